"""The journal on PostgreSQL: one transaction per change, behind one advisory lock.

The lock makes event ids become visible in order, so that a reader who has seen one has seen all before it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Final

import psycopg2
import psycopg2.extensions
import psycopg2.extras

from alerts.fold import Episode, episode_of, fold
from alerts.journal import Batch, Due, Position, Postponed, Unreadable, Unstorable, numbered
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
UNFORESEEN: Final = (psycopg2.DataError, psycopg2.IntegrityError, ValueError, LookupError, ArithmeticError)
"""What the data of a batch can cause, and nothing else."""


class PostgresJournal:
    """The journal on PostgreSQL. `channels`: who is to hear of each event."""

    def __init__(self, begin: Begin, channels: Iterable[str]) -> None:
        self._begin = begin
        self._channels = tuple(channels)

    def positions(self) -> dict[int, Position]:
        with self._begin() as cursor:
            cursor.execute(SQL["positions"])
            return {partition: Position(*rest) for partition, *rest in cursor.fetchall()}

    def begin_positions(self, positions: Mapping[int, Position]) -> None:
        with self._begin() as cursor:
            for partition, position in positions.items():
                row = {"position": position.next, "topic_id": position.topic_id}
                row |= {"partition": partition, "quiet_until": position.quiet_until}
                cursor.execute(SQL["begin_position"], row)

    def apply(self, batch: Batch, now_us: int) -> list[IncidentEvent]:
        try:
            return self._apply(batch, now_us)
        except UNFORESEEN as error:
            raise Unstorable(f"{type(error).__name__}: {error}") from error

    def _apply(self, batch: Batch, now_us: int) -> list[IncidentEvent]:
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
            return self._append(cursor, folded.events, batch.quiet)

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

    def _append(
        self, cursor: Cursor, events: Sequence[Event], quiet: frozenset[tuple[str, int]]
    ) -> list[IncidentEvent]:
        numbered = self._append_events(cursor, events)
        last = {event.incident: event.id for event in numbered}
        _values(cursor, "name_last_events", list(last.items()))
        self._fill_outbox(cursor, [e for e in numbered if (e.incident, e.finding_version) not in quiet])
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
