"""The journal: incidents, their events, the outbox, the positions in topic `findings`; changed together or not at all.

This is the port. `PostgresJournal` (alerts/journal_postgres.py) is the real one, `MemoryJournal`
(alerts/journal_memory.py) its twin for tests; both pass tests/contract/test_journal.py.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec

from alerts.lifecycle import Command, Event, Incident
from schemas.errors import Permanent
from schemas.finding import Finding
from schemas.incident import IncidentEvent
from schemas.refusal import Refusal


class Unstorable(Permanent):
    """Data that nobody foresaw: the batch cannot be written as it is, however often it is tried."""


class Position(msgspec.Struct, frozen=True):
    """Where the consumer stands in one partition of the topic with that id.

    quiet_until: what lies before it was there before the journal was, and is told to no channel.
    """

    topic_id: str
    next: int
    quiet_until: int = 0


class Unreadable(msgspec.Struct, frozen=True):
    """A record of the findings topic that is no finding; kept with its bytes, never dropped."""

    topic: str
    partition: int
    position: int
    detail: str
    raw: bytes


class Batch(msgspec.Struct, frozen=True):
    """What one poll brought: findings in order, and per partition (from, to) of the positions they cover.

    quiet: id and version of those that are told to no channel.
    """

    findings: Sequence[Finding]
    advances: Mapping[int, tuple[int, int]]
    topic_id: str
    unreadable: Sequence[Unreadable] = ()
    quiet: frozenset[tuple[str, int]] = frozenset()


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

    def begin_positions(self, positions: Mapping[int, Position]) -> None: ...

    def apply(self, batch: Batch, now_us: int) -> list[IncidentEvent]:
        """Raises Fenced when the positions are not where the batch begins: another consumer is at work; Unstorable
        when something in it cannot be kept: nothing of the batch is then.
        """

    def handle(self, incident: str, command: Command, now_us: int) -> IncidentEvent | Refusal: ...

    def find(self, incident: str) -> Incident | None: ...

    def due(self, channel: str, now_us: int, limit: int) -> list[Due]: ...

    def delivered(self, channel: str, events: Sequence[int]) -> None: ...

    def postpone(self, channel: str, postponed: Sequence[Postponed]) -> None: ...

    def waiting(self) -> dict[str, int]: ...


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
