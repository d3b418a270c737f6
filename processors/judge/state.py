"""The rule state of one partition. `processors.judge.checkpoint` has its form in a checkpoint.

What the hot path reads of a point lies together in `PointState`; its guard (lo, hi, until, ahead, reach) is a cache
that is never stored: closed (lo > hi) it only sends a reading the long way round.
"""

from dataclasses import dataclass, field
from math import inf
from typing import Any, Final

from processors.judge import pace
from processors.judge.registry_view import PointFacts
from processors.judge.rules import TABLE
from processors.judge.stalls import Stall
from processors.judge.stream_time import GatewayClock
from processors.judge.table import RuleTable
from schemas.finding import First

HOUR_US: Final = 3_600_000_000
SECOND_US: Final = 1_000_000


class PointState:
    """One point. Times in us.

    high: newest `at` stored. last, seq: newest sample stepped. received: newest received time, 0 before the first.
    shown, since: state as shown on the board. flagged: identities at or ahead of `last` that were never stepped.
    rules, states: the point's rules in table order, and what each keeps. told: by rule, its newest episode.
    value: of the newest sample stepped; None when that is not known. values: readings since the books were last
    written, of the state's running hour. pace: how it is heard.
    """

    __slots__ = (
        "ahead", "device", "facts", "flagged", "hi", "high", "last", "lo", "pace", "reach", "received",
        "rules", "seq", "shown", "since", "states", "told", "until", "value", "values",
    )  # fmt: skip

    def __init__(self, facts: PointFacts, device: "DeviceState") -> None:
        self.facts = facts
        self.device = device
        self.rules = device.table.of_metric(facts.metric)
        self.states: list[Any] = [None] * len(self.rules)
        self.told: dict[str, First] = {}
        self.high = self.last = -1
        self.seq = -1
        self.received = 0
        self.shown = ""
        self.since = 0
        self.flagged: list[tuple[int, int]] = []
        self.value: float | None = None
        self.values = 0
        self.pace = pace.NONE
        self.until = 0
        self.ahead = 0
        self.reach = 0
        self.lo, self.hi = inf, -inf

    def close_guard(self) -> None:
        self.lo, self.hi = inf, -inf

    @property
    def interval_us(self) -> int:
        """As registered, or as observed where that is longer."""
        return pace.interval_us(self.pace, self.facts.interval_us)


class DeviceState:
    """One device that was heard in this partition.

    refused_us, refused_codes: received time of its newest refusal, and the codes refused at it. accepted_us: received
    time of the newest message accepted of it that was no reading.
    check_s: the second of stream time in which it is looked at next, 0 when that is not planned.
    states: what each of the table's device rules keeps. told: by rule, its newest episode.
    """

    __slots__ = (
        "accepted_us", "check_s", "id", "points", "refused_codes", "refused_us", "states", "table", "told",
    )  # fmt: skip

    def __init__(self, device: str, table: RuleTable = TABLE) -> None:
        self.id = device
        self.table = table
        self.states: list[Any] = [None] * len(table.device)
        self.told: dict[str, First] = {}
        self.points: list[PointState] = []
        self.accepted_us = 0
        self.refused_us = 0
        self.refused_codes: list[str] = []
        self.check_s = 0

    def heard_us(self) -> int:
        """When anything was last received of it, refused messages included."""
        return max(self.refused_us, self.accepted_us, max((p.received for p in self.points), default=0))

    def is_calm(self) -> bool:
        """Whether no device rule keeps anything."""
        return not any(self.states)

    def blocks(self, point: int) -> bool:
        """Whether a device rule needs every reading of that point."""
        if not any(self.states):
            return False
        kept = zip(self.table.device, self.states, strict=True)
        return any(state is not None and rule.blocks(state, point) for rule, state in kept)


@dataclass
class PartitionState:
    """All of one partition.

    checks: by second of stream time, the devices to be looked at then. overdue: to be looked at on the next tick.
    ticking: the points of which a rule wants every tick.
    passed_us: newest received time for which the registry's changes were taken in. changes_us: when the next one holds.
    looked_us: stream time of the last tick.
    """

    table: RuleTable = TABLE
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
    ticking: set[int] = field(default_factory=set)
    registry_number: int = -1
    passed_us: int = 0
    changes_us: int = 0
    looked_us: int = 0

    def device(self, device: str) -> DeviceState:
        """The device's state, made when it is new."""
        found = self.devices.get(device)
        if found is None:
            found = self.devices[device] = DeviceState(device, self.table)
        return found

    def add_point(self, facts: PointFacts) -> PointState:
        """The state of a point that was not heard before."""
        device = self.device(facts.device)
        point = self.points[facts.id] = PointState(facts, device)
        device.points.append(point)
        return point

    def check_at(self, device: DeviceState, time_us: int) -> None:
        """Asks for a look at the device at time_us, unless an earlier one is planned already."""
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
