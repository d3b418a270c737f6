"""What judging gives: rows ready for binary COPY, what needs a merge, findings, states shown, holes. Pure."""

import struct
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from processors.judge.registry_view import PointFacts
from processors.judge.rule import Rule, Said, first_of
from processors.judge.state import PointState
from schemas.finding import Finding, First, finding_id, subject_of
from schemas.profile import Profile
from schemas.reading import Line

PG_EPOCH_US: Final = 946_684_800_000_000
ROW: Final = struct.Struct("!hiiiqiqidihiq")
"""One row of `reading` in PostgreSQL's binary COPY form: six columns, each behind its length."""
LATE_AT_LEAST_US: Final = 120_000_000


def pack_row(line: Line) -> bytes:
    """Raises struct.error when a number does not fit its column."""
    return ROW.pack(
        6, 4, line.p, 8, line.at - PG_EPOCH_US, 8, line.seq, 8, line.v, 2, line.q, 8, line.r - PG_EPOCH_US
    )


class Merge(NamedTuple):
    """A reading that may be stored already. behind: a sound one that came after a newer one was judged."""

    position: int
    ordinal: int
    line: Line
    behind: bool


class Bad(NamedTuple):
    """A line that is no reading of ours; it becomes a rejection `bad_record`."""

    position: int
    ordinal: int
    raw: bytes
    detail: str


class Shown(NamedTuple):
    """A point's state on the board from since_us on."""

    state: str
    since_us: int
    reason: str = ""


class Hole(NamedTuple):
    """A pack whose running total did not follow: values are missing before it."""

    run: str
    position: int
    expected: int
    found: int


@dataclass
class Judged:
    """What one partition's share of a batch has come to; values: readings of known points in it."""

    rows: list[bytes] = field(default_factory=list)
    merges: list[Merge] = field(default_factory=list)
    bad: list[Bad] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    shown: dict[int, Shown] = field(default_factory=dict)
    holes: list[Hole] = field(default_factory=list)

    @property
    def values(self) -> int:
        return len(self.rows) + len(self.merges)

    def show(self, point: PointState, state: str, since_us: int, reason: str = "") -> None:
        """Notes a point's state when it has changed."""
        if point.shown != state:
            point.shown, point.since = state, since_us
            self.shown[point.facts.id] = Shown(state, since_us, reason)

    def say(
        self,
        rule: Rule,
        said: Said,
        told: dict[str, First],
        device: str,
        profile: Profile,
        measured_us: int,
        received_us: int,
        facts: PointFacts | None = None,
        late: bool = False,
    ) -> None:
        """Makes a finding of what a rule said, of a point when `facts` are given, else of the device.

        told: by rule, the episode of the subject that was opened last; a new one is noted there.
        """
        metric = facts.metric if facts else ""
        subject = subject_of(device, metric)
        self.findings.append(
            Finding(
                id=finding_id(subject, rule.name, *first_of(told, rule.name, said)),
                version=said.version,
                change=said.change,
                subject=subject,
                device=device,
                rule=rule.name,
                severity=said.severity,
                start_us=said.start_us,
                end_us=said.end_us,
                measured_us=measured_us,
                received_us=received_us,
                metric=metric,
                point_id=facts.id if facts else 0,
                peak=said.peak,
                limit=said.limit,
                unit=facts.unit if facts else "",
                profile=profile.name,
                profile_version=profile.version,
                late=late,
                persistent=rule.persistent,
                detail=said.detail,
            )
        )


def is_late(measured_us: int, received_us: int, interval_us: int) -> bool:
    """Freshness: what arrives later than this sounds no siren. received_us: less the device's own steady offset."""
    return received_us - measured_us > max(2 * interval_us, LATE_AT_LEAST_US)
