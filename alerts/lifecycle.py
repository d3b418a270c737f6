"""PURE. An incident's life: what a finding's version or a person's word makes of it.

Findings are applied by version, not by arrival: whatever the order and however often they come, the highest
version decides, together with what people have said. Time is an argument.
"""

from typing import Final

import msgspec

from schemas.finding import Change, Finding
from schemas.incident import SYSTEM, IncidentState, Transition
from schemas.person import Act, Role, may
from schemas.refusal import Ground, Refusal

MAX_NOTE_CHARACTERS: Final = 2000
SAME_EPISODE: Final = "same episode as "


class Incident(msgspec.Struct, frozen=True, kw_only=True):
    """Where the events of one finding have led. `id` is the finding's; times are us UTC."""

    id: str
    rule: str
    device: str
    finding_version: int
    state: IncidentState
    severity: int
    persistent: bool
    opened_us: int
    acknowledged_us: int | None = None
    acknowledged_by: str | None = None
    closed_us: int | None = None
    closed_by: str | None = None


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """A transition that has yet to get its number from the journal."""

    incident: str
    transition: Transition
    state: IncidentState
    at_us: int
    actor: str
    finding_version: int
    severity: int
    device: str
    rule: str
    note: str = ""


class Acknowledge(msgspec.Struct, frozen=True):
    """A person says: I have it."""

    actor: str
    note: str = ""


class Close(msgspec.Struct, frozen=True):
    """A person says: it is settled, and why."""

    actor: str
    note: str


Command = Acknowledge | Close
Outcome = tuple[Incident, tuple[Event, ...]]

NOT_OPEN: Final = Refusal(
    Ground.CONFLICT,
    "incident_closed",
    "该告警已经关闭，不能再签收。",
    "This incident is closed already and needs no acknowledgement.",
)
ALREADY_ACKNOWLEDGED: Final = Refusal(
    Ground.CONFLICT,
    "already_acknowledged",
    "该告警已有人签收，请刷新后查看是谁。",
    "Somebody has acknowledged this incident already; refresh to see who.",
)
ALREADY_CLOSED: Final = Refusal(
    Ground.CONFLICT, "already_closed", "该告警已经关闭。", "This incident is closed already."
)
ENDS_BY_ITSELF: Final = Refusal(
    Ground.CONFLICT,
    "ends_by_itself",
    "该告警会在恢复正常后自动关闭，不能人工关闭；可以先签收并写明处理情况。",
    "This incident closes by itself when the cause is gone; acknowledge it and note what was done instead.",
)
NOTE_MISSING: Final = Refusal(
    Ground.INVALID,
    "note_missing",
    "关闭告警必须写明处理结果。",
    "Closing an incident needs a note that says how it was settled.",
)
NOTE_TOO_LONG: Final = Refusal(
    Ground.INVALID,
    "note_too_long",
    f"说明太长，最多 {MAX_NOTE_CHARACTERS} 个字符。",
    f"The note is too long; {MAX_NOTE_CHARACTERS} characters at most.",
)
NOTE_UNREADABLE: Final = Refusal(
    Ground.INVALID,
    "note_unreadable",
    "说明中含有无法保存的控制字符。",
    "The note holds control characters that cannot be kept.",
)
NO_SUCH_INCIDENT: Final = Refusal(
    Ground.NOT_FOUND,
    "no_such_incident",
    "没有这条告警，或您无权查看。",
    "There is no such incident, or it is not yours to see.",
)


def acts_for(role: Role, state: IncidentState, persistent: bool) -> list[Act]:
    """What a person of that role may do with an incident as it stands."""
    fits = {
        Act.ACKNOWLEDGE: state is IncidentState.OPEN,
        Act.CLOSE: persistent and state is not IncidentState.CLOSED,
    }
    return [act for act, now in fits.items() if now and may(role, act)]


def apply_finding(incident: Incident | None, finding: Finding, now_us: int, twin: str = "") -> Outcome | None:
    """The incident after one version of its finding; None when that version is older than, or is, the one applied.

    `twin` names another open incident of the same episode, if any: then this one is closed at once, since one
    episode has one open incident.
    """
    if incident is None:
        return _begin(finding, now_us, twin)
    if finding.version <= incident.finding_version:
        return None
    state = _state_after(incident, finding, twin)
    after = msgspec.structs.replace(
        incident,
        finding_version=finding.version,
        state=state,
        severity=int(finding.severity),
        persistent=finding.persistent,
    )
    ends = state is IncidentState.CLOSED and incident.state is not IncidentState.CLOSED
    if ends:
        after = _closed(after, SYSTEM, now_us)
    elif state is not IncidentState.CLOSED:
        after = msgspec.structs.replace(after, closed_us=None, closed_by=None)
    transition = Transition.CLOSED if ends else Transition.AMENDED
    return after, (_event(after, transition, SYSTEM, now_us, _twin_note(twin)),)


def apply_command(incident: Incident | None, command: Command, now_us: int) -> Outcome | Refusal:
    """The incident after a person's word, or why not."""
    if incident is None:
        return NO_SUCH_INCIDENT
    if refusal := _refuse_note(command.note):
        return refusal
    if isinstance(command, Acknowledge):
        return _acknowledge(incident, command, now_us)
    return _close(incident, command, now_us)


def ended(finding: Finding) -> bool:
    """Whether the episode is over as this version sees it. A late correction may open it again."""
    if finding.persistent:
        return finding.change is Change.CLOSED  # its span may be a moment; it is a person who ends it
    return finding.change is Change.CLOSED or finding.end_us is not None


def _begin(finding: Finding, now_us: int, twin: str) -> Outcome:
    opened = Incident(
        id=finding.id,
        rule=finding.rule,
        device=finding.device,
        finding_version=finding.version,
        state=IncidentState.OPEN,
        severity=int(finding.severity),
        persistent=finding.persistent,
        opened_us=now_us,
    )
    event = _event(opened, Transition.OPENED, SYSTEM, now_us)
    if not ended(finding) and not twin:
        return opened, (event,)
    closed = _closed(opened, SYSTEM, now_us)
    return closed, (event, _event(closed, Transition.CLOSED, SYSTEM, now_us, _twin_note(twin)))


def _state_after(incident: Incident, finding: Finding, twin: str) -> IncidentState:
    by_person = incident.closed_by not in (None, SYSTEM)
    if by_person or ended(finding) or twin:
        return IncidentState.CLOSED
    return IncidentState.OPEN if incident.acknowledged_us is None else IncidentState.ACKNOWLEDGED


def _acknowledge(incident: Incident, command: Acknowledge, now_us: int) -> Outcome | Refusal:
    if incident.state is IncidentState.CLOSED:
        return NOT_OPEN
    if incident.state is IncidentState.ACKNOWLEDGED:
        return ALREADY_ACKNOWLEDGED
    after = msgspec.structs.replace(
        incident, state=IncidentState.ACKNOWLEDGED, acknowledged_us=now_us, acknowledged_by=command.actor
    )
    return after, (_event(after, Transition.ACKNOWLEDGED, command.actor, now_us, command.note),)


def _close(incident: Incident, command: Close, now_us: int) -> Outcome | Refusal:
    if incident.state is IncidentState.CLOSED:
        return ALREADY_CLOSED
    if not incident.persistent:
        return ENDS_BY_ITSELF
    if not command.note.strip():
        return NOTE_MISSING
    after = _closed(incident, command.actor, now_us)
    return after, (_event(after, Transition.CLOSED, command.actor, now_us, command.note),)


def _refuse_note(note: str) -> Refusal | None:
    if len(note) > MAX_NOTE_CHARACTERS:
        return NOTE_TOO_LONG
    # PostgreSQL keeps no NUL and UTF-8 no lone surrogate.
    return NOTE_UNREADABLE if any(c == "\0" or "\ud800" <= c <= "\udfff" for c in note) else None


def _closed(incident: Incident, actor: str, now_us: int) -> Incident:
    return msgspec.structs.replace(incident, state=IncidentState.CLOSED, closed_us=now_us, closed_by=actor)


def _twin_note(twin: str) -> str:
    return SAME_EPISODE + twin if twin else ""


def _event(incident: Incident, transition: Transition, actor: str, now_us: int, note: str = "") -> Event:
    return Event(
        incident=incident.id,
        transition=transition,
        state=incident.state,
        at_us=now_us,
        actor=actor,
        finding_version=incident.finding_version,
        severity=incident.severity,
        device=incident.device,
        rule=incident.rule,
        note=note,
    )
