"""A judge on the memory store with a Kafka log that is a list: for unit and property tests."""

from collections.abc import Sequence
from itertools import count

import msgspec

from processors.judge.handler import Judge
from processors.judge.memory import MemoryJudgeStore, MemoryTables
from processors.judge.rules import TABLE
from processors.judge.table import RuleTable
from processors.worker.work import Place, Record
from schemas.profile import Profile
from schemas.reading import Line, clock_line, decode_lines, reading_line, refused_line
from schemas.registry import Device, Point

BASE_US = 1_767_225_600_000_000
READINGS = Place("t-readings", 0)
RESULTS = Place("t-results", 0)
REJECTIONS = Place("t-rejections", 0)
TOPIC_IDS = {"t-readings": "id-1", "t-results": "id-2", "t-rejections": "id-3"}
INTERVAL_S = 60


def us(seconds: float) -> int:
    return BASE_US + round(seconds * 1_000_000)


def devices(number: int = 2, metrics: Sequence[str] = ("temperature",)) -> list[Device]:
    """d0, d1, ...; point ids count from 1."""
    ids = count(1)
    return [
        Device(
            id=f"d{n}", kind="probe", enterprise="e", site="s", interval_us=INTERVAL_S * 1_000_000, profile="p",
            points=tuple(
                Point(id=next(ids), device=f"d{n}", metric=metric, unit="u", possible_low=-99, possible_high=99)
                for metric in metrics
            ),
        )
        for n in range(number)
    ]  # fmt: skip


PROFILES = [
    Profile(
        name="p", version=1, metric="temperature", low=0, high=8, dwell_us=300_000_000, tolerance_high=10,
        reject_high=12,
    ),
    Profile(name="p", version=1, metric="open", high=0.5, dwell_us=120_000_000, hysteresis=0, hysteresis_samples=1),
    Profile(name="p", version=1, metric="*", refused_quiet_us=60_000_000),
]  # fmt: skip


def reading(
    point: int, at: float, value: float, *, seq: int = 0, q: int = 1, r: float | None = None
) -> bytes:
    return reading_line(point, us(at), seq, float(value), q, us(at if r is None else r))


def clock(at: float, run: str = "g", ordinal: int = 0) -> bytes:
    return clock_line(us(at), run, ordinal)


def refused(device: str, code: str, r: float) -> bytes:
    return refused_line(device, code, us(r))


class Bench:
    """One log per place, one set of tables, and the judge that owns them just now."""

    def __init__(
        self, number: int = 2, metrics: Sequence[str] = ("temperature",), table: RuleTable = TABLE
    ) -> None:
        self._table = table
        self.tables = MemoryTables(devices=devices(number, metrics), profiles=list(PROFILES))
        self.log: dict[Place, list[Record]] = {READINGS: [], RESULTS: [], REJECTIONS: []}
        self.total = 0
        self._owners = count(1)
        self.read: dict[Place, int] = {}
        self.judge = self.start()

    def start(self, checkpoint_interval_s: float = 1e9) -> Judge:
        """A new judge claims everything; the one before it is not told."""
        store = MemoryJudgeStore(self.tables, f"owner-{next(self._owners)}", self._table)
        self.judge = Judge(store, "t-", checkpoint_interval_s, self._table)
        seek, _ = self.judge.claim(dict.fromkeys(self.log, 0), TOPIC_IDS)
        self.read = dict(seek)
        return self.judge

    def append(
        self,
        value: bytes,
        place: Place = READINGS,
        headers: dict[str, bytes] | None = None,
        written: float | None = None,
    ) -> None:
        """One record; `written`: Kafka's time of it in seconds, one a record where nothing else is said."""
        log = self.log[place]
        written_us = us(len(log) if written is None else written)
        log.append(Record(place, len(log), value, headers or {}, written_us))

    def pack(
        self, lines: Sequence[bytes], values: int | None = None, run: str = "g", written: float | None = None
    ) -> "Bench":
        """A pack as the gateway writes it, in Kafka as soon as its newest line is received unless `written` says."""
        if written is None:
            written = (max(map(_said_us, lines), default=BASE_US) - BASE_US) / 1e6
        found = sum(b'"p":0' not in line for line in lines) if values is None else values
        self.total += found
        headers = {"count": b"%d" % found, "run": run.encode(), "total": b"%d" % self.total}
        self.append(b"".join(lines), headers=headers, written=written)
        return self

    def run(self, batch: int = 3) -> "Bench":
        """Judges all that is on the log and not read yet, so many records at a time."""
        while records := self._unread()[:batch]:
            self.judge.handle(records)
            for record in records:
                self.read[record.place] = record.position + 1
        return self

    def _unread(self) -> list[Record]:
        return [record for place, log in self.log.items() for record in log[self.read[place] :]]


def _said_us(text: bytes) -> int:
    """The newest time that readable lines say: received, or a clock line's own."""
    try:
        return max((line.r or line.at for line in decode_lines(text)), default=BASE_US)
    except msgspec.DecodeError:
        return BASE_US


def line(text: bytes) -> Line:
    return decode_lines(text)[0]
