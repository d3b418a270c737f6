"""What each device of the city sends, message by message: room, door, instrument and camera under the script of faults.

A feed is a small simulation of one device. Asked for the message of a second it advances its room to that second, so
that what is measured depends on seed and second alone and never on how late the sender was.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Protocol

from city import cameras, doors, instruments, rooms
from city.faults import CLOCK_AHEAD, SCRIPT, Kind
from city.plan import (
    FIRST_POSITIVE,
    INTERVAL_S,
    ROUND_S,
    City,
    Device,
    Schedule,
    number_of,
    result_number,
)

SHANGHAI = timezone(timedelta(hours=8))
MINUTES_PER_SECOND = 1.0
"""The demo's physics: one second of ours is sixty of the room's."""
APART_S = 3 * INTERVAL_S
SECOND_OF_POSITIVE = next(s.starts_s for s in SCRIPT if s.kind is Kind.POSITIVE_TEST)


@dataclass(frozen=True)
class Message:
    """One PUBLISH at QoS 1. `publisher` is who signs in; `device` whose message it is."""

    publisher: str
    device: str
    topic: str
    payload: bytes


class Feed(Protocol):
    device: Device
    first_s: float
    interval_s: float

    def message(self, second: float) -> Message | None:
        """The message of this second; None when the device keeps silent. Seconds never go back."""


@dataclass(frozen=True)
class Run:
    """What all feeds of one run share. `start`: the wall time of second 0."""

    city: City
    schedule: Schedule
    start: datetime
    name: str

    def at(self, second: float) -> datetime:
        return (self.start + timedelta(seconds=second)).astimezone(SHANGHAI)


def name_of(start: datetime) -> str:
    """A run's name: its start to the second, as an instrument would print it before its numbers."""
    return start.astimezone(SHANGHAI).strftime("%y%m%d%H%M%S")


def feeds_of(run: Run) -> list[Feed]:
    """A feed for every device that speaks, with phases that spread them over their interval."""
    made: list[Feed] = []
    for device in run.city.devices:
        if device.kind == "probe":
            made.append(ProbeFeed(run, device))
        elif device.kind == "door":
            made.append(DoorFeed(run, device))
        elif device.kind == "power":
            made.append(PowerFeed(run, device))
        elif device.kind == "camera":
            made.append(CameraFeed(run, device))
        elif device.kind == "instrument":
            made += [InstrumentFeed(run, device), PositiveFeed(run, device)]
    return made


def phase_of(device: Device) -> float:
    """Seconds into its interval at which a device speaks."""
    return number_of(device.id) % 1000 / 1000 * device.interval_s


class ProbeFeed:
    """A probe in its room; the room goes on while the probe is silent."""

    def __init__(self, run: Run, device: Device) -> None:
        self.device = device
        self.first_s, self.interval_s = phase_of(device), device.interval_s
        assert device.room is not None
        self._run, self._room = run, device.room
        self._chance = run.city.chance(device.id, "probe")
        self._state = rooms.begin(device.room, self._chance)
        self._door = run.city.door_of(device)
        self._second = 0.0
        self._seq = 0

    def temperature(self, second: float) -> float:
        """What the probe shows at this second."""
        self._advance(second)
        return self._state.sample(self._room, self._chance)

    def message(self, second: float) -> Message | None:
        temperature = self.temperature(second)
        values = {"temperature": temperature, "humidity": self._state.humidity(self._chance)}
        active = self._run.schedule.active
        if active(Kind.PROBE_SILENT, self.device.id, second):
            return None
        at = self._run.at(second)
        if active(Kind.CLOCK_WRONG, self.device.id, second):
            at += CLOCK_AHEAD
        self._seq += 1
        bad = active(Kind.BAD_PAYLOAD, self.device.id, second)
        shown: Mapping[str, float | str] = (
            {name: f"{value} C" for name, value in values.items()} if bad else values
        )
        return telemetry(self.device, at, self._seq, shown)

    def _advance(self, second: float) -> None:
        """In pieces of at most a second, so that the door and the compressor act when they should."""
        while self._second < second:
            piece = min(1.0, second - self._second)
            works = self._run.schedule.active(Kind.COMPRESSOR_DEAD, self.device.id, self._second) is None
            is_open = self._door is not None and door_is_open(self._run, self._door, self._second)
            minutes = piece * MINUTES_PER_SECOND
            self._state = rooms.advance(self._room, self._state, minutes, is_open, works)
            self._second += piece


def door_is_open(run: Run, door: Device, second: float) -> bool:
    """Left open by the script, or opened for a moment, but not so near to the script that both were one opening."""
    faults = run.schedule.in_round(int(second // ROUND_S))
    left = next((f for f in faults if f.kind is Kind.DOOR_LEFT_OPEN and f.device == door.id), None)
    if left is not None and left.starts_s - APART_S <= second < left.ends_s + APART_S:
        return left.active(second)
    return doors.is_open(number_of(f"{run.city.seed}/{door.id}"), second)


class DoorFeed:
    """A door contact: open is 1, closed is 0."""

    def __init__(self, run: Run, device: Device) -> None:
        self.device = device
        self.first_s, self.interval_s = phase_of(device), device.interval_s
        self._run = run
        self._seq = 0

    def message(self, second: float) -> Message | None:
        self._seq += 1
        is_open = door_is_open(self._run, self.device, second)
        return telemetry(self.device, self._run.at(second), self._seq, {"open": int(is_open)})


class PowerFeed:
    """A mains monitor; the city's power stays on."""

    def __init__(self, run: Run, device: Device) -> None:
        self.device = device
        self.first_s, self.interval_s = phase_of(device), device.interval_s
        self._run = run
        self._seq = 0

    def message(self, second: float) -> Message | None:
        self._seq += 1
        return telemetry(self.device, self._run.at(second), self._seq, {"mains": 1})


class InstrumentFeed:
    """An instrument in daily use: one test after the other, all of them passed."""

    def __init__(self, run: Run, device: Device) -> None:
        self.device = device
        self.first_s, self.interval_s = phase_of(device), device.interval_s
        self._run = run
        self._chance = run.city.chance(device.id, "tests")
        self._number = 0

    def message(self, second: float) -> Message | None:
        self._number += 1
        test = instruments.TESTS[int(self._chance.integers(len(instruments.TESTS)))]
        content = instruments.measure(test, positive=False, chance=self._chance)
        return result(self._run, self.device, second, self._number, content)


class PositiveFeed:
    """The scripted positive tests of an instrument, at their second."""

    def __init__(self, run: Run, device: Device) -> None:
        self.device = device
        self._run = run
        self._chance = run.city.chance(device.id, "positive tests")
        self.first_s, self.interval_s = SECOND_OF_POSITIVE, ROUND_S

    def message(self, second: float) -> Message | None:
        round_number = int(second // ROUND_S)
        faults = self._run.schedule.in_round(round_number)
        if not any(f.kind is Kind.POSITIVE_TEST and f.device == self.device.id for f in faults):
            return None
        content = instruments.measure(instruments.PESTICIDE, positive=True, chance=self._chance)
        return result(self._run, self.device, second, FIRST_POSITIVE + round_number, content)


class CameraFeed:
    """A camera on its scene; frozen it sends the same picture again and again."""

    def __init__(self, run: Run, device: Device) -> None:
        self.device = device
        self.first_s, self.interval_s = phase_of(device), device.interval_s
        self._run = run
        self._seed = number_of(f"{run.city.seed}/{device.id}")
        self._seq = 0
        self._last = b""

    def message(self, second: float) -> Message | None:
        self._seq += 1
        at = self._run.at(second)
        active = self._run.schedule.active
        if not (self._last and active(Kind.CAMERA_FROZEN, self.device.id, second)):
            covered = active(Kind.CAMERA_COVERED, self.device.id, second) is not None
            label = f"{self.device.id.upper()}  {at:%Y-%m-%d %H:%M:%S}"
            self._last = cameras.draw(self.device.scene, self._seed, second, label, covered)
        milliseconds = round(at.timestamp() * 1000)
        topic = self.device.topic(f"frame/{milliseconds}/{self._seq}")
        return Message(self.device.publisher, self.device.id, topic, self._last)


def telemetry(device: Device, at: datetime, seq: int, values: Mapping[str, float | str]) -> Message:
    """A native telemetry message of one reading."""
    body = {"at": at.isoformat(timespec="milliseconds"), "seq": seq, "values": values}
    return Message(device.publisher, device.id, device.topic("telemetry"), json.dumps(body).encode())


def result(run: Run, device: Device, second: float, number: int, content: dict[str, str | float]) -> Message:
    """A rapid-test result; sampled twenty minutes of the room's time before."""
    body = {
        "number": result_number(run.name, number),
        "at": run.at(second).isoformat(timespec="milliseconds"),
        "sampled_at": run.at(second - 20.0).isoformat(timespec="milliseconds"),
        **content,
        "operator": f"{device.place.site[1]}检测员",
        "lot": f"{run.at(second):%Y%m%d}",
    }
    payload = json.dumps(body, ensure_ascii=False).encode()
    return Message(device.publisher, device.id, device.topic("result"), payload)
