"""The books of `processors.worker.offsets` in memory: its twin for tests and offline runs, with the same contract."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from processors.worker import meters
from processors.worker.offsets import check_topic, is_done
from processors.worker.work import Advance, Claim, FindingRow, Place
from schemas.errors import Fenced
from schemas.finding import Finding


@dataclass
class Row:
    """How far one role has come in one partition."""

    topic_id: str
    next: int
    checkpoint_position: int
    owner: str
    checkpoint: bytes | None = None
    pending_values: int = 0
    stream_us: int | None = None


@dataclass
class MemoryBooks:
    """What several owners and roles share, as they would a database."""

    offsets: dict[tuple[str, Place], Row] = field(default_factory=dict)
    findings: dict[tuple[str, int], Finding] = field(default_factory=dict)
    unsent: dict[tuple[str, int], tuple[str, Place]] = field(default_factory=dict)


class MemoryOffsets:
    """One owner's hand on the books, in one role."""

    def __init__(self, books: MemoryBooks, owner: str, role: str) -> None:
        self.books = books
        self.owner = owner
        self.role = role

    def claim(self, starts: Mapping[Place, int], topic_ids: Mapping[str, str]) -> dict[Place, Claim]:
        rows = self.books.offsets
        for place in starts:
            if (row := rows.get((self.role, place))) is not None:
                check_topic(place.topic, row.topic_id, topic_ids[place.topic])
        claims = {}
        for place, start in starts.items():
            row = rows.setdefault((self.role, place), Row(topic_ids[place.topic], start, start, self.owner))
            row.owner = self.owner
            claims[place] = Claim(
                place, row.topic_id, row.next, row.checkpoint_position, row.checkpoint, row.pending_values
            )
        return claims

    @contextmanager
    def batch(self, advances: Sequence[Advance]) -> Iterator[MemoryBooks | None]:
        """What is written inside is committed with the new positions; None when the batch is in already."""
        if is_done({a.place: self._position(a.place) for a in advances}, advances):
            yield None
            return
        yield self.books
        for a in advances:
            row = self.books.offsets[(self.role, a.place)]
            row.next = a.next
            row.pending_values += a.values
            row.stream_us = row.stream_us if a.stream_us is None else a.stream_us
            if a.checkpoint:
                row.checkpoint_position, row.checkpoint = a.checkpoint
                row.pending_values = 0

    def _position(self, place: Place) -> tuple[int, int]:
        row = self.books.offsets[(self.role, place)]
        if row.owner != self.owner:
            raise Fenced(f"{place.topic}/{place.partition} belongs to {row.owner} now; this worker ends")
        return row.next, row.checkpoint_position


def write_findings(books: MemoryBooks, role: str, rows: Sequence[FindingRow]) -> int:
    """Keeps findings and notes them unsent for the role's drain; returns how many were new."""
    new = 0
    for row in rows:
        key = (row.finding.id, row.finding.version)
        if key not in books.findings:
            books.findings[key] = row.finding
            books.unsent[key] = (role, row.place)
            new += 1
        else:
            meters.FINDINGS_COLLIDED.inc()
    return new


class MemoryUnsent:
    """The twin of `processors.worker.offsets.Unsent`."""

    def __init__(self, books: MemoryBooks, role: str) -> None:
        self._books = books
        self._role = role

    def fetch(self, places: Sequence[Place]) -> list[Finding]:
        return [
            self._books.findings[key]
            for key, (role, place) in self._books.unsent.items()
            if role == self._role and place in places
        ]

    def sent(self, findings: Sequence[Finding]) -> None:
        for finding in findings:
            self._books.unsent.pop((finding.id, finding.version), None)
