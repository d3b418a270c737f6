"""The journal's promises, held by the one on PostgreSQL and by its twin in memory alike."""

from collections.abc import Iterator
from functools import partial

import psycopg2
import pytest

from alerts.journal import Batch, Journal, Position, Postponed, Unreadable, Unstorable
from alerts.journal_memory import MemoryJournal
from alerts.journal_postgres import PostgresJournal
from alerts.lifecycle import ENDS_BY_ITSELF, NO_SUCH_INCIDENT, Acknowledge, Close
from coldwatch.wiring.transactions import Single
from schemas.errors import Fenced
from schemas.finding import Change, Finding
from schemas.incident import IncidentState, Transition
from schemas.refusal import Refusal
from tests.findings import finding

CHANNELS = ("topic", "log")
NOW = 1_764_000_000_000_000
BEGUN = {0: Position("topic-1", 0), 1: Position("topic-1", 5)}


@pytest.fixture(params=["memory", "postgres"])
def journal(request) -> Iterator[Journal]:
    if request.param == "memory":
        made: Journal = MemoryJournal(CHANNELS)
        made.begin_positions(BEGUN)
        yield made
        return
    database = request.getfixturevalue("fresh_database")
    single = Single(partial(psycopg2.connect, database.pipeline_url))
    made = PostgresJournal(single.begin, CHANNELS)
    made.begin_positions(BEGUN)
    yield made
    single.close()


def apply(journal: Journal, *findings: Finding, frm: int | None = None):
    at = journal.positions()[0].next if frm is None else frm
    return journal.apply(Batch(findings, {0: (at, at + len(findings))}, "topic-1"), NOW)


def test_a_finding_becomes_an_incident_with_numbered_events_and_one_outbox_row_per_channel(journal) -> None:
    one, two = finding(), finding(device="d2")
    events = apply(journal, one, two)
    assert [(e.incident, e.transition, e.device) for e in events] == [
        (one.id, Transition.OPENED, "d1"),
        (two.id, Transition.OPENED, "d2"),
    ]
    assert events[0].id < events[1].id
    assert journal.find(one.id).state is IncidentState.OPEN
    assert journal.waiting() == {"topic": 2, "log": 2}


def test_positions_move_with_the_incidents(journal) -> None:
    apply(journal, finding(), finding(2, Change.AMENDED))
    assert journal.positions() == {0: Position("topic-1", 2), 1: Position("topic-1", 5)}


def test_a_batch_that_was_applied_already_is_fenced_off_and_changes_nothing(journal) -> None:
    apply(journal, finding(), frm=0)
    with pytest.raises(Fenced):
        apply(journal, finding(device="d9"), frm=0)
    assert journal.find(finding(device="d9").id) is None
    assert journal.positions()[0].next == 1


def test_another_topic_id_is_fenced_off(journal) -> None:
    with pytest.raises(Fenced):
        journal.apply(Batch([finding()], {0: (0, 1)}, "topic-2"), NOW)
    assert journal.find(finding().id) is None


def test_versions_in_one_batch_are_folded_in_any_order(journal) -> None:
    events = apply(journal, finding(3, Change.CLOSED), finding(1), finding(2, Change.AMENDED))
    assert [e.transition for e in events] == [Transition.OPENED, Transition.CLOSED]
    assert journal.find(finding().id).state is IncidentState.CLOSED
    assert apply(journal, finding(3, Change.CLOSED)) == []


def test_a_second_open_incident_of_one_episode_is_closed_at_once_and_says_why(journal) -> None:
    apply(journal, finding())
    other = finding(id="00000000-0000-4000-8000-000000000001")
    events = apply(journal, other)
    assert journal.find(other.id).state is IncidentState.CLOSED
    assert finding().id in events[-1].note


def test_an_episode_that_closes_makes_room_for_another_in_the_same_batch(journal) -> None:
    apply(journal, finding())
    other = finding(id="00000000-0000-4000-8000-000000000001")
    apply(journal, finding(2, Change.CLOSED), other)
    assert journal.find(other.id).state is IncidentState.OPEN


def at_start(device_id: str, version: int, start: int, change: Change = Change.AMENDED) -> Finding:
    return finding(
        version, change, id=f"00000000-0000-4000-8000-00000000000{device_id}", start_us=NOW + start
    )


@pytest.mark.parametrize(
    ("before", "batch", "after"),
    [
        ([("a", 1), ("b", 2)], [("a", 2, 1), ("b", 2, 3), ("a", 3, 2)], {"a": 2, "b": 3}),
        ([("a", 1), ("b", 2)], [("a", 2, 2), ("b", 2, 1)], {"a": 2, "b": 1}),
        ([("a", 1), ("b", 2), ("c", 3)], [("a", 2, 2), ("b", 2, 3), ("c", 2, 1)], {"a": 2, "b": 3, "c": 1}),
        ([("b", 2), ("a", 1)], [("b", 2, 1), ("a", 2, 2), ("b", 3, 2), ("a", 3, 1)], {"a": 1, "b": 2}),
    ],
    ids=["by way of a third", "two change places", "three in a ring", "there and back"],
)
def test_episodes_that_change_places_in_one_batch_are_no_twins(journal, before, batch, after) -> None:
    apply(journal, *(at_start(name, 1, start, Change.OPENED) for name, start in before))
    apply(journal, *(at_start(name, version, start) for name, version, start in batch))
    for name in after:
        assert journal.find(at_start(name, 1, 0).id).state is IncidentState.OPEN
    moved = {name: 9 - start for name, start in after.items()}
    apply(journal, *(at_start(name, 9, start) for name, start in moved.items()))
    assert all(journal.find(at_start(name, 1, 0).id).finding_version == 9 for name in after)


def test_what_was_there_before_is_told_to_no_channel(journal) -> None:
    one, two = finding(), finding(device="d2")
    events = journal.apply(Batch([one, two], {0: (0, 2)}, "topic-1", quiet=frozenset({(one.id, 1)})), NOW)
    assert [e.incident for e in events] == [one.id, two.id]
    assert journal.waiting() == {"topic": 1, "log": 1}
    assert [due.event.incident for due in journal.due("log", NOW * 2, 10)] == [two.id]


@pytest.mark.parametrize(
    "facts", [{"unit": "\ud800"}, {"peak": 10**400}, {"severity": 40_000}], ids=lambda f: next(iter(f))
)
def test_data_that_nobody_foresaw_is_unstorable_and_changes_nothing(fresh_database, facts) -> None:
    single = Single(partial(psycopg2.connect, fresh_database.pipeline_url))
    journal = PostgresJournal(single.begin, CHANNELS)
    journal.begin_positions(BEGUN)
    with pytest.raises(Unstorable):
        apply(journal, finding(), finding(device="d2", **facts))
    assert journal.find(finding().id) is None
    assert journal.positions() == BEGUN
    apply(journal, finding())
    single.close()


def test_a_person_acknowledges_and_the_event_is_told_to_every_channel(journal) -> None:
    apply(journal, finding())
    event = journal.handle(finding().id, Acknowledge("li", "called"), NOW + 1)
    assert (event.transition, event.actor, event.note) == (Transition.ACKNOWLEDGED, "li", "called")
    found = journal.find(finding().id)
    assert (found.state, found.acknowledged_by) == (IncidentState.ACKNOWLEDGED, "li")
    assert journal.waiting() == {"topic": 2, "log": 2}


def test_refusals_change_nothing(journal) -> None:
    apply(journal, finding())
    assert journal.handle(finding().id, Close("li", "done"), NOW) == ENDS_BY_ITSELF
    assert journal.handle("00000000-0000-4000-8000-0000000000ff", Acknowledge("li"), NOW) == NO_SUCH_INCIDENT
    assert journal.find(finding().id).state is IncidentState.OPEN
    assert journal.waiting() == {"topic": 1, "log": 1}


def test_a_persistent_incident_is_closed_by_a_person_with_a_note(journal) -> None:
    apply(journal, finding(persistent=True))
    assert isinstance(journal.handle(finding().id, Close("li", " "), NOW), Refusal)
    assert journal.handle(finding().id, Close("li", "lot destroyed"), NOW).transition is Transition.CLOSED
    apply(journal, finding(2, Change.AMENDED, persistent=True))
    found = journal.find(finding().id)
    assert (found.state, found.closed_by, found.finding_version) == (IncidentState.CLOSED, "li", 2)


def test_what_is_delivered_leaves_one_channel_and_stays_for_the_other(journal) -> None:
    (event,) = apply(journal, finding())
    journal.delivered("log", [event.id])
    assert journal.waiting() == {"topic": 1, "log": 0}
    assert journal.due("log", NOW, 10) == []
    (due,) = journal.due("topic", NOW * 2, 10)
    assert (due.event, due.attempts) == (event, 0)


def test_what_fails_is_due_again_later_with_its_attempts_counted(journal) -> None:
    (event,) = apply(journal, finding())
    journal.postpone("topic", [Postponed(event.id, NOW * 2, "broker away")])
    assert journal.due("topic", NOW * 2 - 1, 10) == []
    assert [due.attempts for due in journal.due("topic", NOW * 2, 10)] == [1]


def test_unreadable_records_move_the_position(journal) -> None:
    bad = Unreadable("findings", 0, 0, "not JSON", b"\x00\xff")
    journal.apply(Batch([], {0: (0, 1)}, "topic-1", [bad]), NOW)
    assert journal.positions()[0].next == 1
