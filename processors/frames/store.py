"""The frames worker's hand on the database: frame rows, findings, ledger, positions, in one transaction a batch."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import msgspec
import psycopg2
from psycopg2.extras import execute_values

from processors.worker.database import Cursor, Database
from processors.worker.offsets import Offsets, book, write_findings
from processors.worker.work import Advance, Booking, FindingRow, Outcome, Place, RejectionRow
from schemas import statements
from schemas.frame import FrameReference
from schemas.times import to_datetime, to_us

SQL: Final = statements.load("processors.frames", "store.sql")
ROLE: Final = "frames"
HOUR_US: Final = 3_600_000_000


class Camera(NamedTuple):
    """A registered camera as far as its frames need it."""

    enterprise: str
    interval_us: int


class FrameRow(NamedTuple):
    """One frame looked at. scores: by check; faults: checks failed, `missing_image` or `undecodable`."""

    place: Place
    enterprise: str
    frame: FrameReference
    scores: Mapping[str, float]
    faults: Sequence[str]


@dataclass
class FramesWork:
    """All that one batch writes."""

    advances: list[Advance] = field(default_factory=list)
    frames: list[FrameRow] = field(default_factory=list)
    findings: list[FindingRow] = field(default_factory=list)
    rejections: list[RejectionRow] = field(default_factory=list)


class FramesStore(Offsets):
    """Frames, findings, rejections and the ledger of the worker's partitions."""

    def __init__(self, database: Database, owner: str) -> None:
        super().__init__(database, owner, ROLE)

    def cameras(self, names: Iterable[str]) -> dict[str, Camera]:
        """Those of the names that are registered, retired ones too."""
        with self.database.transaction() as cursor:
            cursor.execute(SQL["cameras"], (list(names),))
            return {row[0]: Camera(row[1], row[2]) for row in cursor.fetchall()}

    def write(self, work: FramesWork) -> Outcome:
        """Commits the batch once. Raises Temporary (try again), Permanent or Fenced (end the process)."""
        with self.batch(work.advances) as cursor:
            if cursor is None:
                return Outcome()
            bookings = _insert_frames(cursor, work.frames)
            bookings += _insert_rejections(cursor, work.rejections)
            new = write_findings(cursor, ROLE, work.findings)
            book(cursor, bookings)
        return Outcome(sum(b.stored for b in bookings), sum(b.duplicate for b in bookings), 0, new)


def _insert_frames(cursor: Cursor, rows: Sequence[FrameRow]) -> list[Booking]:
    """Stores what is new and books each frame as stored or, when its identity is there already, as duplicate."""
    if not rows:
        return []
    values = [_frame_row(row) for row in rows]
    inserted = execute_values(cursor, SQL["insert_frames"], values, fetch=True)
    new = {(camera, to_us(at), seq) for camera, at, seq in inserted}
    bookings = []
    for row in rows:
        identity = (row.frame.camera, row.frame.at_us, row.frame.seq)
        is_new = identity in new
        new.discard(identity)
        hour_us = row.frame.received_us - row.frame.received_us % HOUR_US
        bookings.append(
            Booking(
                row.place.topic, row.frame.camera, hour_us, 1, stored=int(is_new), duplicate=int(not is_new)
            )
        )
    return bookings


def _frame_row(row: FrameRow) -> tuple[Any, ...]:
    f = row.frame
    return (
        f.camera, row.enterprise, to_datetime(f.at_us), f.seq, to_datetime(f.received_us), f.sha256, f.size_bytes,
        f.width, f.height, f.media_type, msgspec.json.encode(row.scores).decode(), list(row.faults),
    )  # fmt: skip


def _insert_rejections(cursor: Cursor, rows: Sequence[RejectionRow]) -> list[Booking]:
    if not rows:
        return []
    execute_values(cursor, SQL["insert_rejections"], [_rejection_row(row) for row in rows])
    return [
        Booking(
            row.place.topic,
            row.rejection.device,
            row.rejection.received_us - row.rejection.received_us % HOUR_US,
            accepted=row.rejection.count,
            dead_lettered=row.rejection.count,
        )
        for row in rows
    ]


def _rejection_row(row: RejectionRow) -> tuple[Any, ...]:
    r = row.rejection
    return (
        *row.place, row.position, row.ordinal, str(r.disposition), r.code, r.path, r.detail.replace("\0", "\ufffd"),
        r.device, r.publisher, row.enterprise, r.topic, to_datetime(r.received_us), r.count,
        None if row.raw is None else psycopg2.Binary(row.raw), row.stored,
    )  # fmt: skip
