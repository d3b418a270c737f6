"""The judge's hand on the database: one transaction a batch. Its twin in memory is `processors.judge.memory`."""

import io
import struct
from collections.abc import Sequence
from typing import Any, Final

import psycopg2
from psycopg2.extras import execute_values

from processors.judge import result_rules
from processors.judge.judged import PG_EPOCH_US, Merge
from processors.judge.registry_view import RegistryView
from processors.judge.rule import ResultRule
from processors.judge.rules import TABLE
from processors.judge.state import HOUR_US
from processors.judge.table import RuleTable
from processors.judge.work import MergeRow, ResultRow, Work
from processors.worker.database import Cursor, Database
from processors.worker.offsets import Offsets, book, write_findings
from processors.worker.text import storable
from processors.worker.work import Booking, FindingRow, Outcome, RejectionRow
from schemas import statements
from schemas.device_topics import TELEMETRY, topic_of
from schemas.profile import GraceWindow, Profile
from schemas.reading import Line, reading_line
from schemas.registry import Device, Facts, Point
from schemas.rejection import Rejection
from schemas.times import to_datetime, to_us

SQL: Final = statements.load("processors.judge", "store.sql")
ROLE: Final = "judge"
COPY_HEAD: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
COPY_TAIL: Final = b"\xff\xff"
_INCOMING: Final = struct.Struct("!hiiiiiqiqidihiq")


class JudgeStore(Offsets):
    """Readings, results, rejections, findings, states and the ledger of the judge's partitions."""

    def __init__(self, database: Database, owner: str, table: RuleTable = TABLE) -> None:
        super().__init__(database, owner, ROLE)
        self._changes = -1
        self._table = table

    # ------------------------------------------------------------------ the registry

    def refresh(self, registry: RegistryView) -> bool:
        """Puts what has changed since the last call into the book; True when something has."""
        with self.database.transaction() as cursor:
            cursor.execute(SQL["registry_number"])
            (number,) = cursor.fetchone() or (0,)
            if number == self._changes:
                return False
            cursor.execute(SQL["facts"], {"since": self._changes})
            facts = _facts(cursor.fetchall())
            cursor.execute(SQL["registry"], {"since": self._changes})
            devices = [_device(row, facts.get(row[0], ())) for row in cursor.fetchall()]
            cursor.execute(SQL["profiles"])
            profiles = [_profile(row) for row in cursor.fetchall()]
        registry.put(devices, profiles)
        self._changes = number
        return True

    # ------------------------------------------------------------------ the batch

    def write(self, work: Work) -> Outcome:
        """Commits the batch once. Raises Temporary (try again), Permanent or Fenced (end the process)."""
        with self.batch(work.advances) as cursor:
            if cursor is None:
                return Outcome()
            bookings = list(work.bookings)
            rejections = list(work.rejections)
            merges = work.merges if self._copy(cursor, work) else all_merges(work)
            stored, conflicts = _merge(cursor, merges, bookings, rejections)
            new = _insert_results(cursor, work.results, bookings, self._table)
            _insert_rejections(cursor, rejections)
            new += write_findings(cursor, ROLE, work.findings)
            _write_books(cursor, work)
            book(cursor, bookings)
            fresh = len(work.rows) + len(work.merges) - len(merges)
            refused = tuple(row.rejection for row in rejections[len(work.rejections) :])
            return Outcome(fresh + stored, len(merges) - stored - conflicts, conflicts, new, refused)

    def _copy(self, cursor: Cursor, work: Work) -> bool:
        """The fast way: all rows at once. False when one of them was stored already; nothing is written then."""
        if not work.rows:
            return True
        try:
            cursor.copy_expert(SQL["copy_readings"], io.BytesIO(b"".join([COPY_HEAD, *work.rows, COPY_TAIL])))
        except psycopg2.errors.UniqueViolation:
            self.begin_again(cursor, work.advances)
            return False
        return True


def all_merges(work: Work) -> list[MergeRow]:
    """Every reading of the batch for the merge path, in order; what was meant for it anyway stays as it is."""
    known = {(row.place, row.merge.position, row.merge.ordinal): row for row in work.merges}
    bad = {(row.place, row.position, row.ordinal) for row in work.rejections}
    rows = []
    for pack in work.packs:
        for ordinal, line in enumerate(pack.lines):
            key = (pack.place, pack.position, ordinal)
            owner = work.owner_of(line.p) if line.p > 0 and key not in bad else None
            if owner is not None:
                rows.append(
                    known.get(key) or MergeRow(pack.place, Merge(pack.position, ordinal, line, False), owner)
                )
    return rows


def _merge(
    cursor: Cursor,
    merges: Sequence[MergeRow],
    bookings: list[Booking],
    rejections: list[RejectionRow],
) -> tuple[int, int]:
    """The careful way: row by row stored, duplicate or conflict. Returns how many were stored and conflicting."""
    if not merges:
        return 0, 0
    cursor.execute(SQL["make_incoming"])
    incoming = b"".join(_incoming_row(index, row.merge.line) for index, row in enumerate(merges))
    cursor.copy_expert(SQL["copy_incoming"], io.BytesIO(COPY_HEAD + incoming + COPY_TAIL))
    cursor.execute(SQL["merge_incoming"])
    new = {(point, to_us(at), seq) for point, at, seq in cursor.fetchall()}
    values = {} if len(new) == len(merges) else _stored_values(cursor, merges)
    return sort_out(merges, new, values, bookings, rejections, lambda rows: _note_rejudge(cursor, rows))


def sort_out(
    merges: Sequence[MergeRow],
    new: set[tuple[int, int, int]],
    values: dict[int, float],
    bookings: list[Booking],
    rejections: list[RejectionRow],
    note: Any,
) -> tuple[int, int]:
    """Books duplicates and conflicts and notes what came too late for the live lane.

    new: identities that were stored now (the first of each); values: by index, what is stored under its identity.
    """
    stored = conflicts = 0
    late: dict[int, int] = {}
    for index, row in enumerate(merges):
        line = row.merge.line
        identity = (line.p, line.at, line.seq)
        hour_us = line.r - line.r % HOUR_US
        if identity in new:
            new.discard(identity)
            stored += 1
            if row.merge.behind:
                late[line.p] = min(late.get(line.p, line.at), line.at)
        elif values[index] == line.v:
            bookings.append(Booking(row.place.topic, row.owner.device, hour_us, stored=-1, duplicate=1))
        else:
            conflicts += 1
            bookings.append(Booking(row.place.topic, row.owner.device, hour_us, stored=-1, quarantined=1))
            rejections.append(conflict_of(row, values[index]))
    note(late)
    return stored, conflicts


def conflict_of(row: MergeRow, stored: float) -> RejectionRow:
    """The rejection of a reading whose identity is stored with another value."""
    line, owner = row.merge.line, row.owner
    rejection = Rejection(
        code="conflict",
        path="$.values",
        detail=f"{stored!r} ≠ {line.v!r}",
        device=owner.device,
        publisher=owner.publisher,
        topic=topic_of(owner.enterprise, owner.device, TELEMETRY) if owner.enterprise else "",
        received_us=line.r,
    )
    raw = reading_line(line.p, line.at, line.seq, line.v, line.q, line.r)
    return RejectionRow(row.place, row.merge.position, row.merge.ordinal, owner.enterprise, rejection, raw)


def _stored_values(cursor: Cursor, merges: Sequence[MergeRow]) -> dict[int, float]:
    times = [row.merge.line.at for row in merges]
    cursor.execute(
        SQL["values_of_incoming"], {"first": to_datetime(min(times)), "last": to_datetime(max(times))}
    )
    return dict(cursor.fetchall())


def _note_rejudge(cursor: Cursor, late: dict[int, int]) -> None:
    if late:
        execute_values(
            cursor, SQL["note_rejudge"], [(point, to_datetime(at)) for point, at in sorted(late.items())]
        )


def _incoming_row(index: int, line: Line) -> bytes:
    return _INCOMING.pack(
        7,
        4,
        index,
        4,
        line.p,
        8,
        line.at - PG_EPOCH_US,
        8,
        line.seq,
        8,
        line.v,
        2,
        line.q,
        8,
        line.r - PG_EPOCH_US,
    )


def _insert_results(
    cursor: Cursor,
    rows: Sequence[ResultRow],
    bookings: list[Booking],
    table: RuleTable,
) -> int:
    findings = 0
    for row in rows:
        r = row.result
        values = {field: getattr(r, field) for field in r.__struct_fields__} | {
            "enterprise": row.enterprise,
            "verdict": str(r.verdict),
            "at": to_datetime(r.at_us),
            "received_at": to_datetime(r.received_us),
            "sampled_at": None if r.sampled_us is None else to_datetime(r.sampled_us),
        }
        cursor.execute(SQL["insert_result"], {k: storable(v) for k, v in values.items()})
        new = cursor.fetchone() is not None
        hour_us = r.received_us - r.received_us % HOUR_US
        bookings.append(
            Booking(row.place.topic, r.device, hour_us, 1, stored=int(new), duplicate=int(not new))
        )
        if new:
            findings += sum(_judge_result(cursor, row, rule) for rule in table.result)
    return findings


def _judge_result(cursor: Cursor, row: ResultRow, rule: ResultRule) -> int:
    cursor.execute(SQL["newest_finding"], (result_rules.identity(rule, row.result),))
    version, severity = cursor.fetchone() or (0, None)
    said = rule.step(row.result, version, severity)
    if not said:
        return 0
    finding = result_rules.finding_of(rule, row.result, said)
    return write_findings(cursor, ROLE, [FindingRow(row.place, row.enterprise, finding)])


def _insert_rejections(cursor: Cursor, rows: Sequence[RejectionRow]) -> None:
    if rows:
        execute_values(cursor, SQL["insert_rejections"], [_rejection_row(row) for row in rows], page_size=100)


def _rejection_row(row: RejectionRow) -> tuple[Any, ...]:
    r = row.rejection
    return (
        *row.place, row.position, row.ordinal, str(r.disposition), r.code, storable(r.path), storable(r.detail),
        storable(r.device), storable(r.publisher), row.enterprise, storable(r.topic), to_datetime(r.received_us),
        r.count, None if row.raw is None else psycopg2.Binary(row.raw), storable(row.stored),
    )  # fmt: skip


def _write_books(cursor: Cursor, work: Work) -> None:
    if work.shown:
        rows = [
            (point, s.state, to_datetime(s.since_us), s.reason) for point, s in sorted(work.shown.items())
        ]
        execute_values(cursor, SQL["show"], rows, page_size=2000)
    if work.holes:
        holes = [(h.run, place.partition, h.position, h.expected, h.found) for place, h in work.holes]
        execute_values(cursor, SQL["note_holes"], holes)
    totals = [(run, place.partition, total) for place, runs in work.totals for run, total in runs.items()]
    if totals:
        execute_values(cursor, SQL["note_totals"], totals)


def _facts(rows: Sequence[Sequence[Any]]) -> dict[str, tuple[Facts, ...]]:
    """By device, oldest first, as the rows are."""
    found: dict[str, tuple[Facts, ...]] = {}
    for device, from_at, kind, interval_us, profile, behind, asset, metrics in rows:
        facts = Facts(
            from_us=to_us(from_at), kind=kind, interval_us=interval_us, profile=profile, behind=behind,
            asset=asset, metrics=tuple(metrics),
        )  # fmt: skip
        found[device] = (*found.get(device, ()), facts)
    return found


def _device(row: Sequence[Any], facts: tuple[Facts, ...]) -> Device:
    points = tuple(
        Point(id=p, device=row[0], metric=metric, unit=unit, possible_low=0.0, possible_high=0.0)
        for p, metric, unit in zip(row[9], row[10], row[11], strict=True)
    )
    return Device(
        id=row[0], kind=row[1], enterprise=row[2], site=row[3], interval_us=row[4], profile=row[5], behind=row[6],
        retired_us=None if row[7] is None else to_us(row[7]), points=points, asset=row[12], facts=facts,
    )  # fmt: skip


_PROFILE_FIELDS: Final = (
    "name", "version", "metric", "effective_from_us", "low", "high", "low_inclusive", "high_inclusive", "tolerance_low",
    "tolerance_high", "reject_low", "reject_high", "dwell_us", "hysteresis", "hysteresis_samples", "grace",
    "silence_intervals", "clock_ahead_us", "refused_quiet_us", "source", "clause", "evidence", "enabled", "ends_us",
    "slack_us",
)  # fmt: skip


def _profile(row: Sequence[Any]) -> Profile:
    values = dict(zip(_PROFILE_FIELDS, row, strict=True))
    values["effective_from_us"] = to_us(values["effective_from_us"])
    values["ends_us"] = None if values["ends_us"] is None else to_us(values["ends_us"])
    values["grace"] = tuple(GraceWindow(**window) for window in values["grace"])
    return Profile(**values)
