"""Runs the city: every device speaks at its seconds, faults come by the script, their labels go into a file."""

import heapq
import json
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from city import faults
from city.feeds import Feed, Message, Run, feeds_of, name_of
from city.plan import City, Schedule
from city.publisher import Counts
from coldwatch.wiring.files import write_atomically

Tell = Callable[[str, Mapping[str, Any]], None]
"""Given an event's name and its facts: `connected`, `fault`, `stopped`."""


class Wire(Protocol):
    """What carries the city's messages; `Publisher` is the real one."""

    def connect(self) -> None: ...
    def publish(self, message: Message) -> None: ...
    def finish(self) -> Counts: ...


class Simulation:
    """One run of a city against a front door. `with_faults`: play the script; `repeats`: again and again."""

    def __init__(
        self,
        city: City,
        wire: Wire,
        with_faults: bool = True,
        repeats: bool = False,
        labels: Path | None = None,
        tell: Tell = lambda event, facts: None,
    ) -> None:
        self._city = city
        self._wire = wire
        self._with_faults, self._repeats = with_faults, repeats
        self._labels = labels
        self._tell = tell
        self._told_s = -1.0

    def run(self, stop: threading.Event, seconds: float | None = None) -> dict[str, Any]:
        """Until `stop` is set or the seconds are over. Returns what was sent and the labels.

        Raises Temporary when the devices cannot connect.
        """
        self._wire.connect()
        begun, start = time.monotonic(), datetime.now(UTC)
        name = name_of(start)
        run = Run(self._city, Schedule(self._city, name, self._with_faults, self._repeats), start, name)
        self._tell("connected", {"devices": len(self._city.devices), "start_at": start.isoformat()})
        self._play(run, begun, stop, seconds)
        stopped_s = time.monotonic() - begun
        counts = self._wire.finish()
        rows = faults.labels(run.schedule.begun(stopped_s), start, stopped_s)
        self._write_labels(run, rows)
        summary = {**counts.as_dict(), "labels": rows}
        self._tell("stopped", summary)
        return summary

    def _play(self, run: Run, begun: float, stop: threading.Event, seconds: float | None) -> None:
        """Sends each message at its second. Late ones are sent at once, with the time at which they were measured."""
        due: list[tuple[float, int, Feed]] = [
            (feed.first_s, number, feed) for number, feed in enumerate(feeds_of(run))
        ]
        heapq.heapify(due)
        while due and (seconds is None or due[0][0] < seconds):
            second, number, feed = due[0]
            if stop.wait(max(0.0, begun + second - time.monotonic())):
                return
            self._tell_faults(run, second)
            message = feed.message(second)
            if message is not None:
                self._wire.publish(message)
            heapq.heapreplace(due, (second + feed.interval_s, number, feed))
        if seconds is not None:
            stop.wait(max(0.0, begun + seconds - time.monotonic()))

    def _tell_faults(self, run: Run, second: float) -> None:
        starting = run.schedule.starting(self._told_s, second)
        self._told_s = second
        for fault in starting:
            self._tell("fault", fault.label(run.start))
        if starting:
            self._write_labels(run, [f.label(run.start) for f in run.schedule.begun(second)])

    def _write_labels(self, run: Run, rows: list[dict[str, Any]]) -> None:
        """The file is whole at any time, so that a killed run leaves the labels of what had begun."""
        if self._labels is None:
            return
        text = json.dumps({"start_at": run.start.isoformat(), "faults": rows}, ensure_ascii=False, indent=1)
        write_atomically(self._labels, text.encode() + b"\n")
