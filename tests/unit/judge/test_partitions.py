"""Which record is new work, and what stops the worker rather than skip something."""

import zlib

import pytest

from processors.worker.partitions import Slots, Turn, check_end
from processors.worker.work import Advance, Checkpoint, Claim, Place, Record
from schemas.errors import Permanent, WrongTopic

PLACE = Place("readings", 0)


def record(position: int) -> Record:
    return Record(PLACE, position, b"", {})


def slots(following: int, checkpoint: int, start: int = 0, stored: bytes | None = None) -> Slots[str]:
    made: Slots[str] = Slots()
    claim = Claim(PLACE, "id", following, checkpoint, stored)
    made.claimed([claim], {PLACE: start}, lambda text: "" if text is None else text.decode(), 0.0)
    return made


def test_records_from_the_checkpoint_to_next_rebuild_and_those_behind_are_work() -> None:
    slot = slots(following=7, checkpoint=5).get(PLACE)
    assert slot is not None
    assert [slot.turn(record(n)) for n in (4, 5, 6, 7, 7, 8)] == [
        Turn.SKIP, Turn.REBUILD, Turn.REBUILD, Turn.WORK, Turn.SKIP, Turn.WORK,
    ]  # fmt: skip


def test_a_missing_record_stops_the_worker() -> None:
    slot = slots(following=5, checkpoint=5).get(PLACE)
    assert slot is not None
    with pytest.raises(Permanent, match="record 5 is missing, 6 came"):
        slot.turn(record(6))


def test_reading_begins_at_the_checkpoint() -> None:
    made: Slots[str] = Slots()
    seek = made.claimed([Claim(PLACE, "id", 9, 4, None)], {PLACE: 0}, lambda text: "", 0.0)
    assert seek == {PLACE: 4}


def test_what_expired_before_next_but_after_the_checkpoint_is_no_loss() -> None:
    made: Slots[str] = Slots()
    assert made.claimed([Claim(PLACE, "id", 9, 4, None)], {PLACE: 6}, lambda text: "", 0.0) == {PLACE: 6}


def test_a_log_that_begins_behind_next_is_refused() -> None:
    with pytest.raises(WrongTopic, match="expired unread"):
        slots(following=9, checkpoint=9, start=10)


def test_a_database_ahead_of_the_topic_is_refused() -> None:
    check_end(10, 10, PLACE)
    with pytest.raises(WrongTopic, match="wiped"):
        check_end(11, 10, PLACE)


def test_the_state_comes_from_the_checkpoint_when_first_asked_for() -> None:
    slot = slots(5, 5, stored=zlib.compress(b"remembered")).get(PLACE)
    assert slot is not None
    assert slot.state == "remembered"


def test_a_costly_checkpoint_is_taken_less_often() -> None:
    slot = slots(5, 5).get(PLACE)
    assert slot is not None
    assert slot.due(5.0, interval_s=5.0, slots=8)
    slot.cost_s = 0.1
    assert not slot.due(15.9, interval_s=5.0, slots=8)
    assert slot.due(16.0, interval_s=5.0, slots=8)


def test_a_busy_partition_waits_with_its_checkpoint_until_it_saves_something() -> None:
    slot = slots(5, 5).get(PLACE)
    assert slot is not None
    assert not slot.due_while_busy(59.9, interval_s=5.0, slots=8, cheap_bytes=100)
    assert slot.due_while_busy(60.0, interval_s=5.0, slots=8, cheap_bytes=100)
    slot.turn(record(5)._replace(value=bytes(100)))
    assert slot.due_while_busy(5.0, interval_s=5.0, slots=8, cheap_bytes=100)
    slot.committed(Advance(PLACE, 5, 6, checkpoint=Checkpoint(6, None)), 5.0)
    assert not slot.due_while_busy(10.0, interval_s=5.0, slots=8, cheap_bytes=100)


def test_a_commit_moves_next_and_the_checkpoint() -> None:
    slot = slots(5, 5).get(PLACE)
    assert slot is not None
    slot.turn(record(5))
    slot.committed(Advance(PLACE, 5, 6, checkpoint=Checkpoint(6, None)), 3.0)
    assert (slot.next, slot.checkpoint, slot.checkpointed_s) == (6, 6, 3.0)
