"""PURE. A batch of finding versions folded over the incidents it touches; both journals do it alike."""

from collections.abc import Mapping, Sequence

import msgspec

from alerts.lifecycle import Event, Incident, apply_finding, ended
from schemas.finding import Finding
from schemas.incident import IncidentState

Episode = tuple[str, str, int]
"""Subject, rule, start in us: an episode has one open incident."""


class Folded(msgspec.Struct, frozen=True):
    """What a batch changes: incidents as they stand with the version that counts, and the events in order."""

    changed: dict[str, tuple[Incident, Finding]]
    events: list[Event]


def episode_of(finding: Finding) -> Episode:
    return finding.subject, finding.rule, finding.start_us


def _newest(findings: Sequence[Finding]) -> dict[str, Finding]:
    newest: dict[str, Finding] = {}
    for finding in findings:
        known = newest.get(finding.id)
        if known is None or finding.version > known.version:
            newest[finding.id] = finding
    return newest


def _stays(holder: str, episode: Episode, newest: Mapping[str, Finding]) -> bool:
    """Whether the holder still has the episode at the batch's end: two that change places are no twins."""
    last = newest.get(holder)
    return last is None or (episode_of(last) == episode and not ended(last))


def fold(
    findings: Sequence[Finding],
    incidents: Mapping[str, Incident],
    open_episodes: Mapping[Episode, str],
    now_us: int,
) -> Folded:
    """`incidents`: those of the batch's findings that exist; `open_episodes`: who holds the batch's episodes now."""
    known, held = dict(incidents), dict(open_episodes)
    holds = {by: episode for episode, by in held.items()}
    newest = _newest(findings)
    folded = Folded({}, [])
    for finding in findings:
        episode = episode_of(finding)
        holder = held.get(episode, "")
        twin = holder if holder != finding.id and _stays(holder, episode, newest) else ""
        outcome = apply_finding(known.get(finding.id), finding, now_us, twin)
        if outcome is None:
            continue
        incident, events = outcome
        known[finding.id] = incident
        before = holds.pop(finding.id, None)
        if before is not None and held.get(before) == finding.id:
            del held[before]
        if incident.state is not IncidentState.CLOSED:
            held[episode], holds[finding.id] = finding.id, episode
        folded.changed[finding.id] = (incident, finding)
        folded.events.extend(events)
    return folded
