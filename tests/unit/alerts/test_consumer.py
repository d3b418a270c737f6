"""The reader of findings: where it stands, what it refuses, what it waits out."""

import threading
from dataclasses import dataclass
from typing import Any

import pytest
from kafka import TopicPartition
from kafka.errors import KafkaConnectionError

from alerts.consumer import FindingsReader
from alerts.journal import Batch, Position
from alerts.journal_memory import MemoryJournal
from schemas.errors import Temporary, WrongTopic
from schemas.finding import Change, encode_finding
from tests.findings import finding


@dataclass
class Record:
    topic: str
    partition: int
    offset: int
    value: bytes | None


class FakeConsumer:
    """A topic of two partitions in memory, read one poll at a time."""

    def __init__(self, *values: bytes | None, first: int = 0) -> None:
        self.first = first
        self.values = list(values)
        self.at = 0
        self.away = 0

    def assign(self, partitions: Any) -> None: ...

    def seek(self, partition: TopicPartition, offset: int) -> None:
        if partition.partition == 0:
            self.at = offset

    def beginning_offsets(self, partitions: Any) -> dict[TopicPartition, int]:
        return {p: self.first if p.partition == 0 else 0 for p in partitions}

    def end_offsets(self, partitions: Any) -> dict[TopicPartition, int]:
        return {p: self.first + len(self.values) if p.partition == 0 else 0 for p in partitions}

    def poll(self, timeout_ms: int, max_records: int) -> dict[TopicPartition, list[Record]]:
        if self.away:
            self.away -= 1
            raise KafkaConnectionError("away")
        begin, self.at = self.at, self.first + len(self.values)
        records = [Record("findings", 0, n, self.values[n - self.first]) for n in range(begin, self.at)]
        return {TopicPartition("findings", 0): records} if records else {}


class Fixture:
    def __init__(self, consumer: FakeConsumer, journal: MemoryJournal | None = None) -> None:
        self.stop = threading.Event()
        self.journal = journal or MemoryJournal(("log",))
        self.reader = FindingsReader(
            consumer, self.journal, "findings", 2, "topic-1", lambda: 0, lambda events: self.stop.set()
        )


def test_a_first_start_begins_at_the_topics_first_record() -> None:
    fixture = Fixture(FakeConsumer(encode_finding(finding()), first=7))
    fixture.reader.run(fixture.stop)
    assert fixture.journal.positions() == {
        0: Position("topic-1", 8, quiet_until=8),
        1: Position("topic-1", 0),
    }


def test_a_restart_goes_on_behind_what_is_applied() -> None:
    consumer = FakeConsumer(encode_finding(finding()), encode_finding(finding(2, Change.CLOSED)))
    fixture = Fixture(consumer)
    fixture.journal.begin_positions({0: Position("topic-1", 1), 1: Position("topic-1", 0)})
    fixture.reader.run(fixture.stop)
    assert fixture.reader.findings == 1


def test_another_topic_id_is_refused_with_the_remedy() -> None:
    fixture = Fixture(FakeConsumer())
    fixture.journal.begin_positions({0: Position("topic-0", 0)})
    with pytest.raises(WrongTopic, match="delete from finding_offset"):
        fixture.reader.run(fixture.stop)


@pytest.mark.parametrize(("stored", "first"), [(9, 0), (1, 5)])
def test_a_position_outside_of_the_topic_is_refused(stored: int, first: int) -> None:
    fixture = Fixture(FakeConsumer(b"x", first=first))
    fixture.journal.begin_positions({0: Position("topic-1", stored), 1: Position("topic-1", 0)})
    with pytest.raises(WrongTopic):
        fixture.reader.run(fixture.stop)


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"",
        b"\xff\x00",
        b"[]",
        b'{"id": 1}',
        encode_finding(finding(id="no uuid")),
        encode_finding(finding(subject="a\0b", id=finding().id)),
        encode_finding(finding(version=2**40)),
        encode_finding(finding(received_us=-1)),
        encode_finding(finding(id=finding().id.upper())),
    ],
)
def test_what_is_no_finding_is_kept_and_the_next_one_is_read(value: bytes | None) -> None:
    fixture = Fixture(FakeConsumer(value, encode_finding(finding())))
    fixture.reader.run(fixture.stop)
    (kept,) = fixture.journal.unreadable
    assert (kept.position, kept.raw) == (0, value or b"")
    assert fixture.journal.find(finding().id) is not None


@pytest.mark.parametrize("bad", [(0,), (1,), (2,), (0, 2), (0, 1, 2)])
def test_what_cannot_be_stored_is_kept_by_itself_and_stops_nobody(bad: tuple[int, ...]) -> None:
    findings = [finding(device=f"d{n}") for n in range(3)]
    journal = MemoryJournal(("log",), refuses=lambda f: f.device in {f"d{n}" for n in bad})
    fixture = Fixture(FakeConsumer(*map(encode_finding, findings)), journal)
    fixture.reader.take_positions()
    fixture.reader.turn(0)
    assert [u.position for u in journal.unreadable] == list(bad)
    assert all("cannot be stored" in kept.detail and kept.raw for kept in journal.unreadable)
    assert [journal.find(f.id) is None for f in findings] == [n in bad for n in range(3)]
    assert journal.positions()[0].next == 3


HOUR_US = 3_600_000_000


@pytest.mark.parametrize(
    ("age_us", "told"), [(31 * 24 * HOUR_US, 0), (HOUR_US + 1, 0), (HOUR_US, 1), (0, 1)],
    ids=["a month", "more than an hour", "an hour", "now"],
)  # fmt: skip
def test_a_new_database_on_an_old_topic_tells_no_channel_of_what_is_old(age_us: int, told: int) -> None:
    old = finding()
    fixture = Fixture(FakeConsumer(encode_finding(old)))
    fixture.reader._clock = lambda: old.received_us + age_us
    fixture.reader.run(fixture.stop)
    assert fixture.journal.find(old.id) is not None
    assert fixture.journal.waiting() == {"log": told}


def test_what_comes_behind_the_history_is_told_however_late() -> None:
    old, new = finding(), finding(device="d2")
    consumer = FakeConsumer(encode_finding(old))
    fixture = Fixture(consumer)
    fixture.reader._clock = lambda: old.received_us + 31 * 24 * HOUR_US
    fixture.reader.take_positions()
    consumer.values.append(encode_finding(new))
    consumer.values.append(encode_finding(finding(2, Change.CLOSED)))
    fixture.reader.turn(0)
    assert [e.incident for e in fixture.journal.events] == [old.id, new.id, old.id]
    assert fixture.journal.waiting() == {"log": 2}


class Faltering(MemoryJournal):
    """Loses its connection once, before or after the commit."""

    def __init__(self, committed: bool) -> None:
        super().__init__(("log",))
        self._committed = committed
        self._lost = False

    def apply(self, batch: Batch, now_us: int) -> list[Any]:
        if not self._lost:
            self._lost = True
            if self._committed:
                super().apply(batch, now_us)
            raise Temporary("connection lost", delay_s=0)
        return super().apply(batch, now_us)


def test_a_batch_is_read_again_when_it_was_not_committed() -> None:
    fixture = Fixture(FakeConsumer(encode_finding(finding())), Faltering(committed=False))
    fixture.reader.run(fixture.stop)
    assert len(fixture.journal.events) == 1


def test_an_unknown_commit_that_is_in_is_not_applied_again() -> None:
    consumer = FakeConsumer(encode_finding(finding()))
    fixture = Fixture(consumer, Faltering(committed=True))
    fixture.reader.take_positions()
    fixture.reader.trouble = ""
    with pytest.raises(Temporary):
        fixture.reader.turn(0)
    fixture.reader.take_positions()
    assert fixture.reader.turn(0) == []
    assert len(fixture.journal.events) == 1


def test_kafka_away_is_waited_out() -> None:
    consumer = FakeConsumer(encode_finding(finding()))
    consumer.away = 1
    fixture = Fixture(consumer)
    fixture.reader.run(fixture.stop)
    assert fixture.reader.findings == 1
