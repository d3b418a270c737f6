"""PURE. A batch of finding versions folded over the incidents it touches; both journals do it alike."""

from collections.abc import Mapping, Sequence

import msgspec

from alerts.lifecycle import Event, Incident, apply_finding
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


def fold(
    findings: Sequence[Finding],
    incidents: Mapping[str, Incident],
    open_episodes: Mapping[Episode, str],
    now_us: int,
) -> Folded:
    """`incidents`: those of the batch's findings that exist; `open_episodes`: who holds the batch's episodes now."""
    known, held = dict(incidents), dict(open_episodes)
    holds = {by: episode for episode, by in held.items()}
    folded = Folded({}, [])
    for finding in findings:
        episode = episode_of(finding)
        holder = held.get(episode, "")
        outcome = apply_finding(
            known.get(finding.id), finding, now_us, twin=holder if holder != finding.id else ""
        )
        if outcome is None:
            continue
        incident, events = outcome
        known[finding.id] = incident
        if (before := holds.pop(finding.id, None)) is not None:
            del held[before]
        if incident.state is not IncidentState.CLOSED:
            held[episode], holds[finding.id] = finding.id, episode
        folded.changed[finding.id] = (incident, finding)
        folded.events.extend(events)
    return folded
