"""What one batch writes, in one transaction: the shapes between a worker's handler and its store. No I/O."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from processors.judged import Hole, Merge, Shown
from schemas.finding import Finding
from schemas.reading import Line
from schemas.rejection import Rejection
from schemas.result import Result


class Place(NamedTuple):
    """A partition of a Kafka topic; `topic` with the installation's prefix."""

    topic: str
    partition: int


class Record(NamedTuple):
    """One Kafka record as a handler gets it."""

    place: Place
    position: int
    value: bytes
    headers: dict[str, bytes]
    written_us: int = 0
    """Kafka's own time of the record: for what carries no time of ours."""


class Claim(NamedTuple):
    """A partition that is ours now. checkpoint: rule state at checkpoint_position; all before next is committed."""

    place: Place
    topic_id: str
    next: int
    checkpoint_position: int
    checkpoint: bytes | None
    pending_values: int = 0


class Checkpoint(NamedTuple):
    """Rule state at a position, compressed."""

    position: int
    state: bytes | None


@dataclass
class Advance:
    """How far a batch brings one partition: records [first, next). values: stored ones, for the pending books."""

    place: Place
    first: int
    next: int
    values: int = 0
    stream_us: int | None = None
    checkpoint: Checkpoint | None = None


class Booking(NamedTuple):
    """A line of the ledger; `topic` with the installation's prefix. Numbers are added to what is there."""

    topic: str
    device: str
    hour_us: int
    accepted: int = 0
    stored: int = 0
    duplicate: int = 0
    quarantined: int = 0
    dead_lettered: int = 0


class FindingRow(NamedTuple):
    place: Place
    enterprise: str | None
    finding: Finding


class RejectionRow(NamedTuple):
    """A rejection with where it was met. raw None: it lies in the evidence store under `stored`."""

    place: Place
    position: int
    ordinal: int
    enterprise: str | None
    rejection: Rejection
    raw: bytes | None
    stored: str | None = None


class ResultRow(NamedTuple):
    place: Place
    position: int
    enterprise: str
    result: Result


class Pack(NamedTuple):
    """A pack's lines, kept for the case that COPY meets a stored row."""

    place: Place
    position: int
    lines: list[Line]


class MergeRow(NamedTuple):
    """A reading for the merge path; device and enterprise of its point."""

    place: Place
    merge: Merge
    device: str
    enterprise: str | None


@dataclass
class Work:
    """All of a batch. owner_of: device and enterprise of a point, None when there is no such point."""

    advances: list[Advance] = field(default_factory=list)
    rows: list[bytes] = field(default_factory=list)
    packs: list[Pack] = field(default_factory=list)
    merges: list[MergeRow] = field(default_factory=list)
    results: list[ResultRow] = field(default_factory=list)
    rejections: list[RejectionRow] = field(default_factory=list)
    findings: list[FindingRow] = field(default_factory=list)
    shown: dict[int, Shown] = field(default_factory=dict)
    holes: list[tuple[Place, Hole]] = field(default_factory=list)
    totals: list[tuple[Place, dict[str, int]]] = field(default_factory=list)
    bookings: list[Booking] = field(default_factory=list)
    owner_of: Callable[[int], tuple[str, str | None] | None] = lambda point: None


class Outcome(NamedTuple):
    """What a committed batch has come to; None of it when it was in already."""

    stored: int = 0
    duplicate: int = 0
    conflict: int = 0
    findings: int = 0
