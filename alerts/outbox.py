"""Drains the outbox of one channel: delivers what is due, backs off from what fails, and disturbs no other channel."""

import threading
from collections.abc import Callable, Sequence
from math import inf
from typing import Final

import structlog

from alerts.channels import Channel
from alerts.journal import Due, Journal, Postponed
from schemas.errors import Temporary
from schemas.incident import IncidentEvent

BATCH: Final = 200
LOOK_S: Final = 5.0
"""Between two looks when nobody has woken it and nothing waits to be tried again."""
FIRST_DELAY_S: Final = 1.0
LONGEST_DELAY_S: Final = 300.0

Clock = Callable[[], int]
"""us UTC."""


def delay_after(attempts: int) -> float:
    """Seconds to wait after that many failed attempts: 1, 2, 4 ... 300."""
    return min(LONGEST_DELAY_S, FIRST_DELAY_S * 2.0 ** min(attempts - 1, 20))


class Drain:
    """One channel's loop. `wake` may be set by whoever has just written events."""

    def __init__(self, name: str, channel: Channel, journal: Journal, clock: Clock) -> None:
        self.name = name
        self.wake = threading.Event()
        self.trouble = ""
        """One sentence while delivering fails, for the health check's detail."""
        self.delivered = 0
        self.failed = 0
        self._again_us = inf
        self._channel = channel
        self._journal = journal
        self._clock = clock

    def run(self, stop: threading.Event) -> None:
        """Until `stop` is set. Temporary trouble is waited out here."""
        while not stop.is_set():
            try:
                full = self.turn() == BATCH
                wait_s = 0.0 if full else self._pause_s()
            except Temporary as error:
                self.trouble, wait_s = str(error), error.delay_s
            if wait_s:
                self.wake.wait(wait_s)
                self.wake.clear()

    def _pause_s(self) -> float:
        """Until the first of what was postponed is due again."""
        return min(LOOK_S, max(0.0, (self._again_us - self._clock()) / 1e6))

    def turn(self) -> int:
        """Delivers what is due now; returns how many events were tried. Raises Temporary."""
        now_us = self._clock()
        if self._again_us <= now_us:
            self._again_us = inf
        due = self._journal.due(self.name, now_us, BATCH)
        if not due:
            return 0
        errors = self._deliver([item.event for item in due])
        good = [item.event.id for item, error in zip(due, errors, strict=True) if not error]
        bad = [self._postponed(item, error) for item, error in zip(due, errors, strict=True) if error]
        if good:
            self._journal.delivered(self.name, good)
        if bad:
            self._again_us = min(self._again_us, *(item.not_before_us for item in bad))
            self._journal.postpone(self.name, bad)
            structlog.get_logger().warning(
                "channel_failed", channel=self.name, events=len(bad), reason=bad[0].error
            )
        self.delivered += len(good)
        self.failed += len(bad)
        self.trouble = bad[0].error if bad else ""
        return len(due)

    def _deliver(self, events: Sequence[IncidentEvent]) -> list[str]:
        """What went wrong with each. Where the channel raises, one by one: what one event causes, no other pays for."""
        try:
            errors = self._channel.deliver(events)
            if len(errors) == len(events):
                return errors
            raise ValueError(f"{len(errors)} answers to {len(events)} events")
        except Exception as error:
            structlog.get_logger().exception("channel_raised", channel=self.name, events=len(events))
            if len(events) == 1:
                return [f"{type(error).__name__}: {error}"[:500]]
        return [outcome for event in events for outcome in self._deliver([event])]

    def _postponed(self, item: Due, error: str) -> Postponed:
        delay_us = round(delay_after(item.attempts + 1) * 1_000_000)
        return Postponed(item.event.id, self._clock() + delay_us, error)
