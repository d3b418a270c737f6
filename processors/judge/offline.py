"""The pure engine over stored readings, in event order: what the live judge must have found, as sets. Pure.

For point rules alone: silence and refusals are about arrival, which stored rows do not tell.
"""

from collections.abc import Iterable
from typing import NamedTuple

from processors.judge.engine import is_flagged
from processors.judge.judged import Judged
from processors.judge.point_rules import note_pace, step
from processors.judge.registry_view import RegistryView
from processors.judge.rules import TABLE
from processors.judge.state import DeviceState, PointState
from processors.judge.table import RuleTable
from schemas.finding import Change, Finding
from schemas.reading import Line


class Episode(NamedTuple):
    """One episode as two runs are compared by. end_us None: still open."""

    subject: str
    rule: str
    start_us: int
    end_us: int | None
    peak: float | None


def judge_stored(readings: Iterable[Line], registry: RegistryView, table: RuleTable = TABLE) -> set[Episode]:
    """The episodes of the readings (p, at, seq, v, q, r of each stored row), whatever their order here."""
    points: dict[int, list[Line]] = {}
    for line in readings:
        points.setdefault(line.p, []).append(line)
    findings: list[Finding] = []
    for number, lines in points.items():
        facts = registry.point(number)
        if facts is None:
            raise LookupError(f"point {number} is not in the registry")
        point, judged = PointState(facts, DeviceState(facts.device, table)), Judged()
        for line in sorted(lines, key=lambda row: (row.at, row.seq)):
            point.facts = facts = registry.point(number, line.r) or facts
            if not is_flagged(line, registry.device_profile(facts.profile, line.r)):
                profile, _ = registry.profile(facts.profile, facts.metric, line.at)
                note_pace(point, line)
                step(point, line, profile, judged)
        findings.extend(judged.findings)
    return episodes_of(findings)


def episodes_of(findings: Iterable[Finding]) -> set[Episode]:
    """The newest version of each finding, as an episode; an open one shows the peak it was last told with."""
    newest: dict[str, Finding] = {}
    for finding in findings:
        known = newest.get(finding.id)
        if known is None or finding.version > known.version:
            newest[finding.id] = finding
    return {
        Episode(f.subject, f.rule, f.start_us, f.end_us if f.change is Change.CLOSED else None, f.peak)
        for f in newest.values()
    }
