"""An incident's life: by version, by a person's word, and what is refused."""

import pytest

from alerts import lifecycle
from alerts.lifecycle import Acknowledge, Close, Incident, apply_command, apply_finding
from schemas.finding import Change, Finding
from schemas.incident import IncidentState, Transition
from schemas.refusal import Refusal
from tests.findings import finding

NOW = 1_764_000_100_000_000


def after(*versions: Finding) -> Incident:
    incident: Incident | None = None
    for version in versions:
        outcome = apply_finding(incident, version, NOW)
        incident = outcome[0] if outcome else incident
    assert incident is not None
    return incident


def transitions(incident: Incident | None, version: Finding, twin: str = "") -> list[Transition]:
    outcome = apply_finding(incident, version, NOW, twin)
    return [event.transition for event in outcome[1]] if outcome else []


def test_an_opened_finding_opens_an_incident() -> None:
    assert after(finding()).state is IncidentState.OPEN
    assert transitions(None, finding()) == [Transition.OPENED]


def test_an_amendment_that_comes_first_opens_it() -> None:
    assert transitions(None, finding(2, Change.AMENDED)) == [Transition.OPENED]


def test_a_close_that_comes_before_the_opening_makes_a_closed_incident_with_a_whole_history() -> None:
    assert after(finding(2, Change.CLOSED)).state is IncidentState.CLOSED
    assert transitions(None, finding(2, Change.CLOSED)) == [Transition.OPENED, Transition.CLOSED]


def test_an_older_or_equal_version_changes_nothing() -> None:
    closed = after(finding(), finding(3, Change.CLOSED))
    for version in (1, 2, 3):
        assert apply_finding(closed, finding(version), NOW) is None


def test_an_amendment_takes_over_the_severity() -> None:
    assert after(finding(), finding(2, Change.AMENDED, severity=1)).severity == 1


def test_a_late_correction_that_goes_on_opens_a_closed_incident_again() -> None:
    incident = after(finding(), finding(2, Change.CLOSED), finding(3, Change.AMENDED))
    assert (incident.state, incident.closed_us) == (IncidentState.OPEN, None)


def test_a_late_correction_of_an_ended_episode_leaves_it_closed() -> None:
    incident = after(finding(2, Change.CLOSED), finding(3, Change.AMENDED, end_us=NOW))
    assert incident.state is IncidentState.CLOSED


def test_an_acknowledgement_stays_through_an_amendment() -> None:
    acknowledged, _ = apply_command(after(finding()), Acknowledge("li"), NOW)
    incident, _ = apply_finding(acknowledged, finding(2, Change.AMENDED), NOW)
    assert (incident.state, incident.acknowledged_by) == (IncidentState.ACKNOWLEDGED, "li")


def test_a_positive_test_that_a_person_closed_stays_closed() -> None:
    opened = after(finding(persistent=True))
    closed, _ = apply_command(opened, Close("li", "lot destroyed"), NOW)
    incident, _ = apply_finding(closed, finding(2, Change.AMENDED, persistent=True), NOW)
    assert incident.state is IncidentState.CLOSED


def test_a_positive_test_does_not_end_because_its_span_is_a_moment() -> None:
    assert after(finding(persistent=True, end_us=NOW)).state is IncidentState.OPEN


def test_a_second_open_incident_of_the_same_episode_is_closed_and_names_the_first() -> None:
    incident, events = apply_finding(None, finding(), NOW, twin="the-first")
    assert incident.state is IncidentState.CLOSED
    assert events[-1].note == "same episode as the-first"


def test_a_person_acknowledges_once() -> None:
    acknowledged, (event,) = apply_command(after(finding()), Acknowledge("li", "called"), NOW)
    assert (event.transition, event.actor, event.note) == (Transition.ACKNOWLEDGED, "li", "called")
    assert apply_command(acknowledged, Acknowledge("wang"), NOW) == lifecycle.ALREADY_ACKNOWLEDGED


@pytest.mark.parametrize(
    ("incident", "command", "refusal"),
    [
        (None, Acknowledge("li"), lifecycle.NO_SUCH_INCIDENT),
        (after(finding(2, Change.CLOSED)), Acknowledge("li"), lifecycle.NOT_OPEN),
        (after(finding(2, Change.CLOSED)), Close("li", "x"), lifecycle.ALREADY_CLOSED),
        (after(finding()), Close("li", "x"), lifecycle.ENDS_BY_ITSELF),
        (after(finding(persistent=True)), Close("li", "  "), lifecycle.NOTE_MISSING),
        (after(finding()), Acknowledge("li", "x" * 2001), lifecycle.NOTE_TOO_LONG),
        (after(finding()), Acknowledge("li", "a\0b"), lifecycle.NOTE_UNREADABLE),
        (after(finding()), Acknowledge("li", "a\ud800"), lifecycle.NOTE_UNREADABLE),
    ],
)
def test_what_cannot_be_done_is_refused_with_a_sentence_in_both_languages(incident, command, refusal) -> None:
    assert apply_command(incident, command, NOW) == refusal
    assert isinstance(refusal, Refusal)
    assert len(refusal.zh) > 5
    assert len(refusal.en) > 10
