"""The judge's store in memory: the twin of `judge.store`, for tests and offline runs; same contract, same errors.

A transaction works on a copy of nothing: all checks come first, then the changes, which cannot fail.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from processors.judge import result_rules
from processors.judge.judged import PG_EPOCH_US, ROW, Shown
from processors.judge.registry_view import RegistryView
from processors.judge.rule import ResultRule
from processors.judge.rules import TABLE
from processors.judge.state import HOUR_US
from processors.judge.store import ROLE, all_merges, sort_out
from processors.judge.table import RuleTable
from processors.judge.work import ResultRow, Work
from processors.worker.memory import MemoryBooks, MemoryOffsets, write_findings
from processors.worker.work import Booking, FindingRow, Outcome, Place, RejectionRow
from schemas.profile import Profile
from schemas.registry import Device

Identity = tuple[int, int, int]


class Reading(msgspec.Struct, frozen=True):
    value: float
    quality: int
    received_us: int


@dataclass
class MemoryTables(MemoryBooks):
    """What several owners share, as they would a database."""

    devices: list[Device] = field(default_factory=list)
    profiles: list[Profile] = field(default_factory=list)
    changes: int = 0
    readings: dict[Identity, Reading] = field(default_factory=dict)
    results: list[ResultRow] = field(default_factory=list)
    rejections: dict[tuple[Place, int, int], RejectionRow] = field(default_factory=dict)
    shown: dict[int, Shown] = field(default_factory=dict)
    rejudge: dict[int, int] = field(default_factory=dict)
    ledger: dict[tuple[str, str, int], list[int]] = field(default_factory=dict)
    holes: set[tuple[str, int, int]] = field(default_factory=set)
    totals: dict[tuple[str, int], int] = field(default_factory=dict)


class MemoryJudgeStore(MemoryOffsets):
    """One owner's hand on the tables."""

    def __init__(self, tables: MemoryTables, owner: str, table: RuleTable = TABLE) -> None:
        super().__init__(tables, owner, ROLE)
        self._table = table
        self.tables = tables
        self._changes = -1

    def refresh(self, registry: RegistryView) -> bool:
        if self._changes == self.tables.changes:
            return False
        registry.put(self.tables.devices, self.tables.profiles)
        self._changes = self.tables.changes
        return True

    def write(self, work: Work) -> Outcome:
        with self.batch(work.advances) as books:
            return Outcome() if books is None else self._write(work)

    def _write(self, work: Work) -> Outcome:
        bookings, rejections = list(work.bookings), list(work.rejections)
        copied = self._copy(work)
        merges = list(work.merges) if copied else all_merges(work)
        values, new = {}, set()
        for index, row in enumerate(merges):
            line = row.merge.line
            identity = (line.p, line.at, line.seq)
            if identity not in self.tables.readings:
                self.tables.readings[identity] = Reading(line.v, line.q, line.r)
                new.add(identity)
            values[index] = self.tables.readings[identity].value
        stored, conflicts = sort_out(merges, new, values, bookings, rejections, self._note_rejudge)
        made = sum(self._insert_result(row, bookings) for row in work.results)
        for rejection in rejections:
            key = (rejection.place, rejection.position, rejection.ordinal)
            self.tables.rejections.setdefault(key, rejection)
        made += write_findings(self.tables, ROLE, work.findings)
        self._write_books(work, bookings)
        fresh = len(work.rows) if copied else 0
        refused = tuple(row.rejection for row in rejections[len(work.rejections) :])
        return Outcome(fresh + stored, len(merges) - stored - conflicts, conflicts, made, refused)

    def _copy(self, work: Work) -> bool:
        rows = {}
        for packed in work.rows:
            _, _, point, _, at, _, seq, _, value, _, quality, _, received = ROW.unpack(packed)
            rows[(point, at + PG_EPOCH_US, seq)] = Reading(value, quality, received + PG_EPOCH_US)
        if len(rows) < len(work.rows) or not self.tables.readings.keys().isdisjoint(rows):
            return False
        self.tables.readings.update(rows)
        return True

    def _note_rejudge(self, late: dict[int, int]) -> None:
        for point, at in late.items():
            self.tables.rejudge[point] = min(self.tables.rejudge.get(point, at), at)

    def _insert_result(self, row: ResultRow, bookings: list[Booking]) -> int:
        r = row.result
        same = [
            old.result
            for old in self.tables.results
            if (old.result.device, old.result.number, old.result.at_us) == (r.device, r.number, r.at_us)
        ]
        new = all(old.content_sha256 != r.content_sha256 for old in same)
        hour_us = r.received_us - r.received_us % HOUR_US
        bookings.append(
            Booking(row.place.topic, r.device, hour_us, 1, stored=int(new), duplicate=int(not new))
        )
        if not new:
            return 0
        self.tables.results.append(row)
        return sum(self._judge_result(row, rule) for rule in self._table.result)

    def _judge_result(self, row: ResultRow, rule: ResultRule) -> int:
        key = result_rules.identity(rule, row.result)
        versions = [f for (id_, _), f in self.tables.findings.items() if id_ == key]
        newest = max(versions, key=lambda f: f.version, default=None)
        said = rule.step(row.result, newest.version if newest else 0, newest.severity if newest else None)
        if not said:
            return 0
        finding = result_rules.finding_of(rule, row.result, said)
        return write_findings(self.tables, ROLE, [FindingRow(row.place, row.enterprise, finding)])

    def _write_books(self, work: Work, bookings: Sequence[Booking]) -> None:
        t = self.tables
        t.shown.update(work.shown)
        t.holes.update((hole.run, place.partition, hole.position) for place, hole in work.holes)
        for place, runs in work.totals:
            t.totals.update({(run, place.partition): total for run, total in runs.items()})
        for b in bookings:
            numbers = t.ledger.setdefault((b.topic, b.device, b.hour_us), [0] * 5)
            for index, number in enumerate(b[3:]):
                numbers[index] += number

    # ------------------------------------------------------------------ what tests look at

    def ledger(self) -> dict[str, int]:
        """The ledger's sums, with what waits for the next checkpoint."""
        pending = sum(row.pending_values for row in self.tables.offsets.values())
        sums = {"accepted": pending, "stored": pending, "duplicate": 0, "quarantined": 0, "dead_lettered": 0}
        for numbers in self.tables.ledger.values():
            for name, number in zip(sums, numbers, strict=True):
                sums[name] += number
        return sums
