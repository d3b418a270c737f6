"""Law: any order and repetition of a finding's versions ends in the same incident, with each event at most once."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from alerts.journal import Batch
from alerts.journal_memory import MemoryJournal
from alerts.lifecycle import Incident
from schemas.finding import Change, Finding, Severity
from schemas.incident import IncidentEvent, IncidentState, Transition
from tests.findings import MINUTE_US, START_US, finding


@st.composite
def life(draw: st.DrawFn) -> list[Finding]:
    """The versions of one finding as a judge writes them: opened, amended, closed, perhaps corrected afterwards."""
    changes = [Change.OPENED, *draw(st.lists(st.sampled_from([Change.AMENDED, Change.CLOSED]), max_size=5))]
    persistent = draw(st.booleans())
    versions = []
    for number, change in enumerate(changes, start=1):
        ended = change is Change.CLOSED or (draw(st.booleans()) and Change.CLOSED in changes[:number])
        versions.append(
            finding(
                number,
                change,
                severity=draw(st.sampled_from(list(Severity))),
                persistent=persistent,
                peak=draw(st.floats(0, 40)),
                end_us=START_US + MINUTE_US if ended else None,
            )
        )
    return versions


def run(batches: list[list[Finding]]) -> tuple[Incident, list[IncidentEvent]]:
    journal = MemoryJournal(("log",))
    for batch in batches:
        journal.apply(Batch(batch, {}, ""), START_US)
    incident = journal.find(finding().id)
    assert incident is not None
    return incident, journal.events


def without_moments(incident: Incident) -> Incident:
    """When it was opened and closed for people depends on the arrival; nothing else may."""
    return msgspec.structs.replace(incident, opened_us=0, closed_us=None if incident.closed_us is None else 0)


@given(st.data())
def test_any_order_and_repetition_ends_in_the_same_incident(data: st.DataObject) -> None:
    versions = data.draw(life())
    repeated = versions + data.draw(st.lists(st.sampled_from(versions), max_size=5))
    shuffled = data.draw(st.permutations(repeated))
    cuts = sorted(data.draw(st.sets(st.integers(0, len(shuffled)), max_size=4)))
    batches = [shuffled[a:b] for a, b in zip([0, *cuts], [*cuts, len(shuffled)], strict=True)]
    incident, events = run(batches)
    in_order, _ = run([versions])
    assert without_moments(incident) == without_moments(in_order)
    keys = [(event.transition, event.finding_version) for event in events]
    assert len(keys) == len(set(keys))
    assert [key[0] for key in keys].count(Transition.OPENED) == 1
    assert events[-1].state is incident.state
    assert [event.id for event in events] == sorted(event.id for event in events)


@given(life())
def test_a_replay_of_the_topic_adds_no_event(versions: list[Finding]) -> None:
    _, once = run([versions])
    _, twice = run([versions, versions])
    assert once == twice


@given(life())
def test_an_incident_is_closed_exactly_when_its_last_version_has_ended(versions: list[Finding]) -> None:
    incident, _ = run([versions])
    last = versions[-1]
    over = last.change is Change.CLOSED or (last.end_us is not None and not last.persistent)
    assert (incident.state is IncidentState.CLOSED) == over
