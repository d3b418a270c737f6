"""A run of the city with a list for a wire: what is sent, what is told, and the labels it leaves behind."""

import json
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from city import plan
from city.feeds import Message
from city.publisher import Counts
from city.simulation import Simulation


class ListWire:
    """Takes everything at once; `stop` is set when so many messages have come."""

    def __init__(self, stop: threading.Event, stop_after: int) -> None:
        self.messages: list[Message] = []
        self.connected = False
        self._stop, self._stop_after = stop, stop_after

    def connect(self) -> None:
        self.connected = True

    def publish(self, message: Message) -> None:
        assert self.connected
        self.messages.append(message)
        if len(self.messages) == self._stop_after:
            self._stop.set()

    def finish(self) -> Counts:
        return Counts(published=len(self.messages), acknowledged=len(self.messages))


def played(
    seconds: float | None, stop_after: int, labels: Path
) -> tuple[ListWire, list[str], dict[str, Any]]:
    stop, told = threading.Event(), []
    wire = ListWire(stop, stop_after)

    def tell(event: str, facts: Mapping[str, Any]) -> None:
        told.append(event)

    summary = Simulation(plan.build(3), wire, labels=labels, tell=tell).run(stop, seconds)
    return wire, told, summary


def test_it_ends_by_itself_after_its_seconds_and_every_device_with_an_early_phase_has_spoken(
    tmp_path: Path,
) -> None:
    wire, told, summary = played(1.0, -1, tmp_path / "labels.json")
    assert told == ["connected", "stopped"]
    assert summary["published"] == len(wire.messages) > 10
    assert json.loads((tmp_path / "labels.json").read_text())["faults"] == []


def test_it_stops_when_asked_and_leaves_the_labels_of_what_had_begun(tmp_path: Path) -> None:
    wire, told, summary = played(None, 60, tmp_path / "labels.json")
    assert len(wire.messages) == 60
    assert told == ["connected", "fault", "stopped"]
    written = json.loads((tmp_path / "labels.json").read_text())
    assert [label["fault"] for label in written["faults"]] == ["compressor_dead"]
    assert written["faults"] == summary["labels"]
    assert written["faults"][0]["end_at"] > written["faults"][0]["start_at"] > written["start_at"][:19]


def test_a_device_never_sends_its_readings_out_of_order(tmp_path: Path) -> None:
    wire, _, _ = played(None, 80, tmp_path / "labels.json")
    last: dict[str, str] = {}
    for message in wire.messages:
        if message.topic.endswith("/telemetry"):
            at = json.loads(message.payload)["at"]
            assert at > last.get(message.device, "")
            last[message.device] = at
