"""What one batch of the judge writes, in one transaction: the shapes between its handler and its store. No I/O."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from processors.judge.judged import Hole, Judged, Merge, Shown
from processors.worker.work import Advance, Booking, FindingRow, Place, RejectionRow
from schemas.reading import Line
from schemas.result import Result


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


class Owner(NamedTuple):
    """Whose a point is. publisher: who sends for the device: its gateway, or itself."""

    device: str
    enterprise: str | None
    publisher: str


NOBODY: Final = Owner("", None, "")


class MergeRow(NamedTuple):
    """A reading for the merge path, and whose it is."""

    place: Place
    merge: Merge
    owner: Owner


@dataclass
class Work:
    """All of a batch. judged: by partition, before it is shared out. owner_of: whose a point is, None when there is no
    such point.
    """

    advances: list[Advance] = field(default_factory=list)
    judged: dict[Place, Judged] = field(default_factory=dict)
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
    owner_of: Callable[[int], Owner | None] = lambda point: None
