"""The journal: incidents, their events, the outbox, the positions in topic `findings`; changed together or not at all.

`PostgresJournal` runs each change in one transaction behind one advisory lock, so that event ids become visible in
order. `MemoryJournal` (alerts/journal_memory.py) is its twin for tests. Both pass tests/contract/test_journal.py.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Final, Protocol

import msgspec
import psycopg2.extensions
import psycopg2.extras

from alerts.fold import Episode, episode_of, fold
from alerts.lifecycle import Command, Event, Incident, apply_command
from schemas.errors import Fenced
from schemas.finding import Finding
from schemas.incident import IncidentEvent, IncidentState, Transition
from schemas.refusal import Refusal
from schemas.statements import load
from schemas.times import to_datetime, to_us

Cursor = psycopg2.extensions.cursor
Begin = Callable[[], AbstractContextManager[Cursor]]
"""A transaction: commits when the block ends well, else rolls back. Raises Temporary while the database is away."""

SQL: Final = load("alerts", "journal.sql")


class Position(msgspec.Struct, frozen=True):
    """Where the consumer stands in one partition of the topic with that id."""

    topic_id: str
    next: int


class Unreadable(msgspec.Struct, frozen=True):
    """A record of the findings topic that is no finding; kept with its bytes, never dropped."""

    topic: str
    partition: int
    position: int
    detail: str
    raw: bytes


class Batch(msgspec.Struct, frozen=True):
    """What one poll brought: findings in order, and per partition (from, to) of the positions they cover."""

    findings: Sequence[Finding]
    advances: Mapping[int, tuple[int, int]]
    topic_id: str
    unreadable: Sequence[Unreadable] = ()


class Due(msgspec.Struct, frozen=True):
    """An event that a channel has yet to deliver, and how often it was tried."""

    event: IncidentEvent
    attempts: int


class Postponed(msgspec.Struct, frozen=True):
    event: int
    not_before_us: int
    error: str


class Journal(Protocol):
    """The port. Every method is one transaction; Temporary means that nothing is known of its outcome."""

    def positions(self) -> dict[int, Position]: ...

    def begin_positions(self, topic_id: str, positions: Mapping[int, int]) -> None: ...

    def apply(self, batch: Batch, now_us: int) -> list[IncidentEvent]:
        """Raises Fenced when the positions are not where the batch begins: another consumer is at work."""

    def handle(self, incident: str, command: Command, now_us: int) -> IncidentEvent | Refusal: ...

    def find(self, incident: str) -> Incident | None: ...

    def due(self, channel: str, now_us: int, limit: int) -> list[Due]: ...

    def delivered(self, channel: str, events: Sequence[int]) -> None: ...

    def postpone(self, channel: str, postponed: Sequence[Postponed]) -> None: ...

    def waiting(self) -> dict[str, int]: ...


class PostgresJournal:
    """The journal on PostgreSQL. `channels`: who is to hear of each event."""

    def __init__(self, begin: Begin, channels: Iterable[str]) -> None:
        self._begin = begin
        self._channels = tuple(channels)

    def positions(self) -> dict[int, Position]:
        with self._begin() as cursor:
            cursor.execute(SQL["positions"])
            return {partition: Position(topic_id, next) for partition, topic_id, next in cursor.fetchall()}

    def begin_positions(self, topic_id: str, positions: Mapping[int, int]) -> None:
        with self._begin() as cursor:
            for partition, position in positions.items():
                cursor.execute(
                    SQL["begin_position"],
                    {"partition": partition, "topic_id": topic_id, "position": position},
                )

    def apply(self, batch: Batch, now_us: int) -> list[IncidentEvent]:
        with self._begin() as cursor:
            cursor.execute(SQL["lock_writers"])
            self._advance(cursor, batch)
            _keep_unreadable(cursor, batch.unreadable, now_us)
            if not batch.findings:
                return []
            incidents = _incidents(cursor, {finding.id for finding in batch.findings})
            folded = fold(batch.findings, incidents, _open_episodes(cursor, batch.findings), now_us)
            if not folded.events:
                return []
            _write_incidents(cursor, folded.changed.values())
            return self._append(cursor, folded.events)

    def handle(self, incident: str, command: Command, now_us: int) -> IncidentEvent | Refusal:
        with self._begin() as cursor:
            cursor.execute(SQL["lock_writers"])
            outcome = apply_command(_incidents(cursor, {incident}).get(incident), command, now_us)
            if isinstance(outcome, Refusal):
                return outcome
            after, events = outcome
            (event,) = self._append_events(cursor, events)
            self._fill_outbox(cursor, [event])
            cursor.execute(SQL["write_handled"], _handled(after, event.id))
            return event

    def find(self, incident: str) -> Incident | None:
        with self._begin() as cursor:
            return _incidents(cursor, {incident}).get(incident)

    def due(self, channel: str, now_us: int, limit: int) -> list[Due]:
        with self._begin() as cursor:
            cursor.execute(SQL["due"], {"channel": channel, "now": to_datetime(now_us), "limit": limit})
            return [_due(row) for row in cursor.fetchall()]

    def delivered(self, channel: str, events: Sequence[int]) -> None:
        with self._begin() as cursor:
            cursor.execute(SQL["delivered"], {"channel": channel, "events": list(events)})

    def postpone(self, channel: str, postponed: Sequence[Postponed]) -> None:
        rows = [(p.event, channel, to_datetime(p.not_before_us), p.error) for p in postponed]
        with self._begin() as cursor:
            _values(cursor, "postpone", rows)

    def waiting(self) -> dict[str, int]:
        with self._begin() as cursor:
            cursor.execute(SQL["waiting"])
            found = {channel: count for channel, count, _attempts in cursor.fetchall()}
        return {channel: found.get(channel, 0) for channel in self._channels}

    def _advance(self, cursor: Cursor, batch: Batch) -> None:
        for partition, (position, next) in batch.advances.items():
            cursor.execute(
                SQL["advance_position"],
                {"partition": partition, "topic_id": batch.topic_id, "position": position, "next": next},
            )
            if cursor.rowcount != 1:
                raise Fenced(
                    f"findings partition {partition} does not stand at {position} any more: another alerts service is"
                    " at work on this database, or the positions were changed by hand; run one alerts service"
                )

    def _append(self, cursor: Cursor, events: Sequence[Event]) -> list[IncidentEvent]:
        numbered = self._append_events(cursor, events)
        last = {event.incident: event.id for event in numbered}
        _values(cursor, "name_last_events", list(last.items()))
        self._fill_outbox(cursor, numbered)
        return numbered

    def _append_events(self, cursor: Cursor, events: Sequence[Event]) -> list[IncidentEvent]:
        rows = [
            (
                i,
                e.incident,
                e.transition,
                e.state,
                to_datetime(e.at_us),
                e.actor,
                e.note,
                e.finding_version,
                e.severity,
            )
            for i, e in enumerate(events)
        ]
        ids = _values(cursor, "append_events", rows, fetch=True)
        return [numbered(id, event) for (id,), event in zip(ids, events, strict=True)]

    def _fill_outbox(self, cursor: Cursor, events: Sequence[IncidentEvent]) -> None:
        rows = [(event.id, channel) for event in events for channel in self._channels]
        if rows:
            _values(cursor, "fill_outbox", rows)


def numbered(id: int, event: Event) -> IncidentEvent:
    """The event with the number the journal gave it."""
    return IncidentEvent(
        id=id,
        incident=event.incident,
        transition=event.transition,
        state=event.state,
        at_us=event.at_us,
        actor=event.actor,
        note=event.note,
        finding_version=event.finding_version,
        severity=event.severity,
        device=event.device,
        rule=event.rule,
    )


def _values(
    cursor: Cursor, name: str, rows: Sequence[tuple[Any, ...]], fetch: bool = False
) -> list[tuple[Any, ...]]:
    """One statement for all rows, so that ids come back in the rows' order."""
    result = psycopg2.extras.execute_values(cursor, SQL[name], rows, page_size=max(1, len(rows)), fetch=fetch)
    return result or []


def _incidents(cursor: Cursor, ids: Iterable[str]) -> dict[str, Incident]:
    cursor.execute(SQL["incidents_of"], {"ids": list(ids)})
    return {row[0]: _incident(row) for row in cursor.fetchall()}


def _incident(row: tuple[Any, ...]) -> Incident:
    return Incident(
        id=row[0],
        rule=row[1],
        device=row[2],
        finding_version=row[3],
        state=IncidentState(row[4]),
        severity=row[5],
        persistent=row[6],
        opened_us=to_us(row[7]),
        acknowledged_us=None if row[8] is None else to_us(row[8]),
        acknowledged_by=row[9],
        closed_us=None if row[10] is None else to_us(row[10]),
        closed_by=row[11],
    )


def _open_episodes(cursor: Cursor, findings: Sequence[Finding]) -> dict[Episode, str]:
    wanted = list({episode_of(finding) for finding in findings})
    cursor.execute(
        SQL["open_episodes"],
        {
            "subjects": [subject for subject, _rule, _start in wanted],
            "rules": [rule for _subject, rule, _start in wanted],
            "starts": [to_datetime(start) for _subject, _rule, start in wanted],
        },
    )
    return {(subject, rule, to_us(start)): id for subject, rule, start, id in cursor.fetchall()}


def _write_incidents(cursor: Cursor, changed: Iterable[tuple[Incident, Finding]]) -> None:
    # Those that close come first: they make room for others of the same episode in the unique index.
    ordered = sorted(changed, key=lambda pair: pair[0].state is not IncidentState.CLOSED)
    _values(cursor, "write_incidents", [_row(incident, finding) for incident, finding in ordered])


def _row(incident: Incident, finding: Finding) -> tuple[Any, ...]:
    return (
        incident.id,
        incident.state,
        incident.finding_version,
        incident.severity,
        finding.device,
        finding.metric,
        finding.point_id,
        finding.subject,
        finding.rule,
        to_datetime(finding.start_us),
        _moment(finding.end_us),
        finding.peak,
        finding.limit,
        finding.unit,
        finding.profile,
        finding.profile_version,
        finding.late,
        finding.persistent,
        psycopg2.extras.Json(finding.detail),
        to_datetime(incident.opened_us),
        _moment(incident.acknowledged_us),
        incident.acknowledged_by,
        _moment(incident.closed_us),
        incident.closed_by,
    )


def _handled(incident: Incident, last_event: int) -> dict[str, Any]:
    return {
        "id": incident.id,
        "state": incident.state,
        "acknowledged_at": _moment(incident.acknowledged_us),
        "acknowledged_by": incident.acknowledged_by,
        "closed_at": _moment(incident.closed_us),
        "closed_by": incident.closed_by,
        "last_event": last_event,
    }


def _moment(us: int | None) -> Any:
    return None if us is None else to_datetime(us)


def _keep_unreadable(cursor: Cursor, unreadable: Sequence[Unreadable], now_us: int) -> None:
    for record in unreadable:
        cursor.execute(
            SQL["keep_unreadable"],
            {
                "topic": record.topic,
                "partition": record.partition,
                "position": record.position,
                "detail": record.detail,
                "received_at": to_datetime(now_us),
                "raw": record.raw,
            },
        )


def _due(row: tuple[Any, ...]) -> Due:
    event = IncidentEvent(
        id=row[0],
        incident=row[1],
        transition=Transition(row[2]),
        state=IncidentState(row[3]),
        at_us=to_us(row[4]),
        actor=row[5],
        note=row[6],
        finding_version=row[7],
        severity=row[8],
        device=row[9],
        rule=row[10],
    )
    return Due(event, row[11])
