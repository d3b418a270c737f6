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
from schemas.rejection import Disposition, Rejection
from schemas.times import to_datetime, to_us

SQL: Final = statements.load("processors.frames", "store.sql")
ROLE: Final = "frames"
HOUR_US: Final = 3_600_000_000

Identity = tuple[str, int, int]


class Camera(NamedTuple):
    """A registered camera as far as its frames need it."""

    enterprise: str
    interval_us: int
    retired_us: int | None = None


class FrameRow(NamedTuple):
    """One frame looked at. scores: by check; faults: checks failed, `missing_image` or `undecodable`."""

    place: Place
    position: int
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
            return {
                name: Camera(enterprise, interval_us, None if retired_at is None else to_us(retired_at))
                for name, enterprise, interval_us, retired_at in cursor.fetchall()
            }

    def write(self, work: FramesWork) -> Outcome:
        """Commits the batch once. Raises Temporary (try again), Permanent or Fenced (end the process)."""
        with self.batch(work.advances) as cursor:
            if cursor is None:
                return Outcome()
            bookings, conflicts = _insert_frames(cursor, work.frames)
            bookings += _insert_rejections(cursor, [*work.rejections, *conflicts])
            new = write_findings(cursor, ROLE, work.findings)
            book(cursor, bookings)
        stored, duplicate = sum(b.stored for b in bookings), sum(b.duplicate for b in bookings)
        return Outcome(stored, duplicate, len(conflicts), new, tuple(row.rejection for row in conflicts))


def _insert_frames(cursor: Cursor, rows: Sequence[FrameRow]) -> tuple[list[Booking], list[RejectionRow]]:
    """Stores what is new; see `sort_out`."""
    if not rows:
        return [], []
    values = [_frame_row(row) for row in rows]
    inserted = execute_values(cursor, SQL["insert_frames"], values, fetch=True)
    new = {(camera, to_us(at), seq) for camera, at, seq in inserted}
    if len(new) == len(rows):
        return sort_out(rows, new, {})
    asked = tuple((row.frame.camera, to_datetime(row.frame.at_us), row.frame.seq) for row in rows)
    cursor.execute(SQL["pictures"], (asked,))
    pictures = {(camera, to_us(at), seq): sha256 for camera, at, seq, sha256 in cursor.fetchall()}
    return sort_out(rows, new, pictures)


def sort_out(
    rows: Sequence[FrameRow], new: set[Identity], pictures: Mapping[Identity, str]
) -> tuple[list[Booking], list[RejectionRow]]:
    """Books each frame as stored or, where its identity is there already, as duplicate when it is the same picture, and
    as a conflict (quarantined) when it is another. pictures: sha256 by identity, of all that were there.
    """
    bookings: list[Booking] = []
    conflicts: list[RejectionRow] = []
    left = set(new)
    for row in rows:
        frame, identity = row.frame, identity_of(row.frame)
        hour_us = frame.received_us - frame.received_us % HOUR_US
        if identity in left:
            left.discard(identity)
            bookings.append(Booking(row.place.topic, frame.camera, hour_us, 1, stored=1))
        elif pictures.get(identity, frame.sha256) == frame.sha256:
            bookings.append(Booking(row.place.topic, frame.camera, hour_us, 1, duplicate=1))
        else:
            conflicts.append(_conflict(row, pictures[identity]))
    return bookings, conflicts


def identity_of(frame: FrameReference) -> Identity:
    return frame.camera, frame.at_us, frame.seq


def _conflict(row: FrameRow, stored: str) -> RejectionRow:
    """Another picture of the same camera, time and seq; it stays in the evidence store."""
    frame = row.frame
    rejection = Rejection(
        code="conflict", path="topic", detail=f"{stored[:12]} ≠ {frame.sha256[:12]}", device=frame.camera,
        received_us=frame.received_us,
    )  # fmt: skip
    return RejectionRow(row.place, row.position, 0, row.enterprise, rejection, None, frame.sha256)


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
            quarantined=row.rejection.count if _is_quarantined(row) else 0,
            dead_lettered=0 if _is_quarantined(row) else row.rejection.count,
        )
        for row in rows
    ]


def _is_quarantined(row: RejectionRow) -> bool:
    return row.rejection.disposition is Disposition.QUARANTINED


def _rejection_row(row: RejectionRow) -> tuple[Any, ...]:
    r = row.rejection
    return (
        *row.place, row.position, row.ordinal, str(r.disposition), r.code, r.path, r.detail.replace("\0", "\ufffd"),
        r.device, r.publisher, row.enterprise, r.topic, to_datetime(r.received_us), r.count,
        None if row.raw is None else psycopg2.Binary(row.raw), row.stored,
    )  # fmt: skip
