"""Notices a worker that stands still although records wait; asks Kafka by a client of its own.

A stuck consumer does not know that it lags, so the ends of the partitions are not taken from it.
"""

import time
from collections.abc import Callable, Mapping, Sequence

import structlog

from processors.worker import meters
from processors.worker.work import Place

STUCK_AFTER_S = 60.0


class Watchdog:
    """`ends` asks Kafka where partitions end; `waiting` is true while the worker waits for its database on purpose."""

    def __init__(
        self,
        ends: Callable[[Sequence[Place]], dict[Place, int]],
        waiting: Callable[[], bool],
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ends = ends
        self._waiting = waiting
        self._now_s = now_s
        self._still: dict[Place, tuple[int, float]] = {}

    def look(self, positions: Mapping[Place, int]) -> str:
        """Takes the lag of each partition. Returns what is stuck, "" when nothing is or Kafka does not answer."""
        try:
            ends = self._ends(list(positions))
        except Exception as error:  # Kafka is away: that is no fault of this worker
            structlog.get_logger().warning("ends_unknown", reason=str(error))
            return ""
        now_s, still, stuck = self._now_s(), {}, ""
        for place, position in positions.items():
            lag = max(0, ends.get(place, 0) - position)
            meters.LAG.labels(place.topic, str(place.partition)).set(lag)
            before, since = self._still.get(place, (-1, now_s))
            waits = lag > 0 and position == before and not self._waiting()
            still[place] = (position, since if waits else now_s)
            if waits and now_s - since > STUCK_AFTER_S:
                stuck = f"{place.topic}/{place.partition}: {lag} records wait, none was handled for a minute"
        self._still = still
        return stuck
