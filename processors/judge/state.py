"""The rule state of one partition, and its form in a checkpoint: to JSON and back without a difference.

What the hot path reads of a point lies together in `PointState`; its guard (lo, hi, until, ahead) is a cache that is
never stored: closed (lo > hi) it only sends a reading the long way round.
"""

from dataclasses import dataclass, field
from math import inf
from typing import Final

import msgspec

from processors.judge.episodes import Breach
from processors.judge.registry_view import PointFacts, RegistryView
from processors.judge.rules.clock import WrongClock
from processors.judge.rules.refused import Refusals
from processors.judge.rules.silence import Silence, Stall
from processors.judge.stream_time import GatewayClock, Trust

HOUR_US: Final = 3_600_000_000
SECOND_US: Final = 1_000_000


class PointState:
    """One point. Times in us.

    high: newest `at` stored. last, seq: newest sample stepped. received: newest received time, 0 before the first.
    shown, since: state as shown on the board. flagged: identities at or ahead of `last` that were never stepped.
    values: readings since the books were last written, of the state's running hour.
    """

    __slots__ = (
        "ahead", "breach", "device", "facts", "flagged", "hi", "high", "last", "lo", "received", "seq", "shown",
        "silence", "since", "until", "values",
    )  # fmt: skip

    def __init__(self, facts: PointFacts, device: "DeviceState") -> None:
        self.facts = facts
        self.device = device
        self.high = self.last = -1
        self.seq = -1
        self.received = 0
        self.shown = ""
        self.since = 0
        self.breach: Breach | None = None
        self.silence: Silence | None = None
        self.flagged: list[tuple[int, int]] = []
        self.values = 0
        self.until = 0
        self.ahead = 0
        self.lo, self.hi = inf, -inf

    def close_guard(self) -> None:
        self.lo, self.hi = inf, -inf


class DeviceState:
    """One device that was heard in this partition.

    refused_us, refused_codes: received time of its newest refusal, and the codes refused at it.
    check_s: the second of stream time in which its silence is looked at next, 0 when that is not planned.
    """

    __slots__ = ("check_s", "clock", "id", "points", "refused", "refused_codes", "refused_us", "silence")

    def __init__(self, device: str) -> None:
        self.id = device
        self.points: list[PointState] = []
        self.refused_us = 0
        self.refused_codes: list[str] = []
        self.silence: Silence | None = None
        self.clock: WrongClock | None = None
        self.refused: Refusals | None = None
        self.check_s = 0

    def heard_us(self) -> int:
        """When anything was last received of it, refused messages included."""
        return max(self.refused_us, max((p.received for p in self.points), default=0))


@dataclass
class PartitionState:
    """All of one partition.

    checks: by second of stream time, the devices to be looked at then. overdue: to be looked at on every tick.
    passed_us: newest received time for which the registry's changes were taken in. changes_us: when the next one holds.
    looked_us: stream time of the last tick.
    """

    points: dict[int, PointState] = field(default_factory=dict)
    devices: dict[str, DeviceState] = field(default_factory=dict)
    gateways: dict[str, GatewayClock] = field(default_factory=dict)
    stream_us: int = 0
    stalls: tuple[Stall, ...] = ()
    totals: dict[str, int] = field(default_factory=dict)
    hour_us: int = 0
    books: dict[tuple[str, int], int] = field(default_factory=dict)
    checks: dict[int, list[DeviceState]] = field(default_factory=dict)
    overdue: set[str] = field(default_factory=set)
    refusing: set[str] = field(default_factory=set)
    registry_number: int = -1
    passed_us: int = 0
    changes_us: int = 0
    looked_us: int = 0

    def device(self, device: str) -> DeviceState:
        """The device's state, made when it is new."""
        found = self.devices.get(device)
        if found is None:
            found = self.devices[device] = DeviceState(device)
        return found

    def add_point(self, facts: PointFacts) -> PointState:
        """The state of a point that was not heard before."""
        device = self.device(facts.device)
        point = self.points[facts.id] = PointState(facts, device)
        device.points.append(point)
        return point

    def check_at(self, device: DeviceState, time_us: int) -> None:
        """Asks for a look at the device's silence at time_us, unless an earlier one is planned already."""
        second = time_us // SECOND_US
        if not device.check_s or second < device.check_s:
            device.check_s = second
            self.checks.setdefault(second, []).append(device)

    def take_checks(self) -> list[DeviceState]:
        """The devices whose time to be looked at has come; each has to be planned again."""
        due = []
        for second in sorted(s for s in self.checks if s <= self.stream_us // SECOND_US):
            for device in self.checks.pop(second):
                if device.check_s == second:
                    device.check_s = 0
                    due.append(device)
        return due

    def check_all(self) -> None:
        """Has every device looked at on the next tick: after loading, and when the registry has changed."""
        self.checks = {}
        self.overdue = set(self.devices)
        for device in self.devices.values():
            device.check_s = 0
        self.refusing = {device.id for device in self.devices.values() if device.refused}

    def turn_hour(self, hour_us: int) -> None:
        """Books what was counted in the hour before; readings of another hour are booked one by one.

        Each point takes the long way once: the short one holds a reading against the point's newest alone.
        """
        if hour_us != self.hour_us:
            self._book_hour()
            self.hour_us = hour_us
            for point in self.points.values():
                point.close_guard()

    def count(self, point: PointState, received_us: int) -> None:
        """One reading more in the books, by the hour of its received time."""
        hour_us = received_us - received_us % HOUR_US
        if hour_us == self.hour_us:
            point.values += 1
        else:
            key = (point.facts.device, hour_us)
            self.books[key] = self.books.get(key, 0) + 1

    def take_values(self) -> dict[tuple[str, int], int]:
        """Readings per (device, hour) since the last call; the books start anew."""
        self._book_hour()
        taken, self.books = self.books, {}
        return taken

    def _book_hour(self) -> None:
        for point in self.points.values():
            if point.values:
                key = (point.facts.device, self.hour_us)
                self.books[key] = self.books.get(key, 0) + point.values
                point.values = 0


class _StoredPoint(msgspec.Struct, array_like=True, gc=False):
    point: int
    high: int
    last: int
    seq: int
    received: int
    shown: str
    since: int
    breach: Breach | None
    silence: Silence | None
    flagged: list[tuple[int, int]]


class _StoredDevice(msgspec.Struct, array_like=True, gc=False):
    id: str
    refused_us: int
    refused_codes: list[str]
    silence: Silence | None
    clock: WrongClock | None
    refused: Refusals | None


class _Stored(msgspec.Struct):
    points: list[_StoredPoint]
    devices: list[_StoredDevice]
    stream_us: int
    stalls: tuple[Stall, ...]
    totals: dict[str, int]
    gateways: dict[str, GatewayClock] = {}
    clocks: dict[str, int] = {}
    """In place of `gateways` before there were such: the newest clock line of each run."""


_encoder: Final = msgspec.json.Encoder()
_decoder: Final = msgspec.json.Decoder(_Stored)


def encode_state(state: PartitionState) -> bytes:
    """The state as JSON. The books (`take_values`) are not part of it: they are written beside it."""
    points = [
        (p, s.high, s.last, s.seq, s.received, s.shown, s.since, s.breach, s.silence, s.flagged)
        for p, s in state.points.items()
    ]
    devices = [
        (d.id, d.refused_us, d.refused_codes, d.silence, d.clock, d.refused)
        for _, d in sorted(state.devices.items())
        if d.refused_us or d.silence or d.clock or d.refused
    ]
    return _encoder.encode(
        {
            "points": points,
            "devices": devices,
            "gateways": state.gateways,
            "stream_us": state.stream_us,
            "stalls": state.stalls,
            "totals": state.totals,
        }
    )


def decode_state(text: bytes, registry: RegistryView) -> PartitionState:
    """The state of a checkpoint.

    Raises msgspec.DecodeError on foreign bytes, LookupError for a point that the registry does not have.
    """
    stored = _decoder.decode(text)
    older = {run: GatewayClock(at_us, at_us, Trust.RIGHT) for run, at_us in stored.clocks.items()}
    state = PartitionState(
        gateways=stored.gateways or older,
        stream_us=stored.stream_us,
        stalls=stored.stalls,
        totals=stored.totals,
    )
    for row in stored.points:
        facts = registry.point(row.point)
        if facts is None:
            raise LookupError(f"point {row.point} of the checkpoint is not in the registry")
        point = state.add_point(facts)
        point.high, point.last, point.seq, point.received = row.high, row.last, row.seq, row.received
        point.shown, point.since, point.breach, point.silence = row.shown, row.since, row.breach, row.silence
        point.flagged = row.flagged
    for known in stored.devices:
        device = state.device(known.id)
        device.refused_us, device.refused_codes = known.refused_us, known.refused_codes
        device.silence = known.silence
        device.clock, device.refused = known.clock, known.refused
    state.turn_hour(state.stream_us - state.stream_us % HOUR_US)
    state.check_all()
    return state
