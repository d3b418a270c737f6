"""The producer's promises, over the real Kafka and its twin in memory."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Iterator
from typing import Protocol

import pytest
from kafka import KafkaConsumer, TopicPartition

from coldwatch.operate import topics
from ingest.delivery import Sends
from ingest.producer import Producer, Row
from ingest.producer_memory import MemoryProducer
from schemas.settings import KafkaSettings
from schemas.topics import READINGS

Record = tuple[bytes | None, bytes, list[tuple[str, bytes]]]


class Subject(Protocol):
    """One producer under test, and how to read back what it has sent."""

    topic: str

    def run(self, work: Callable[[Sends], Awaitable[None]]) -> None: ...

    def records(self, partition: int) -> list[Record]: ...


class InMemory:
    def __init__(self) -> None:
        self.topic = "readings"
        self._producer = MemoryProducer(automatic=True)

    def run(self, work: Callable[[Sends], Awaitable[None]]) -> None:
        async def main() -> None:
            await work(self._producer)

        asyncio.run(main())

    def records(self, partition: int) -> list[Record]:
        rows = [row for sent in self._producer.log if sent.partition == partition for row in sent.rows]
        return [(key, value, list(headers)) for key, value, headers in rows]


class OnKafka:
    def __init__(self, bootstrap: str) -> None:
        prefix = f"t{secrets.token_hex(4)}-"
        topics.ensure(KafkaSettings(bootstrap=bootstrap, prefix=prefix))
        self.topic = prefix + READINGS.name
        self._bootstrap = bootstrap

    def run(self, work: Callable[[Sends], Awaitable[None]]) -> None:
        async def main() -> None:
            producer = Producer({"bootstrap_servers": self._bootstrap})
            try:
                await work(producer)
                assert producer.connected
                assert await producer.answers()
            finally:
                await producer.stop()

        asyncio.run(main())

    def records(self, partition: int) -> list[Record]:
        consumer = KafkaConsumer(bootstrap_servers=self._bootstrap, enable_auto_commit=False)
        place = TopicPartition(self.topic, partition)
        try:
            consumer.assign([place])
            consumer.seek_to_beginning(place)
            end, found = consumer.end_offsets([place])[place], list[Record]()
            while consumer.position(place) < end:
                for records in consumer.poll(timeout_ms=500).values():
                    found += [(record.key, record.value, list(record.headers)) for record in records]
            return found
        finally:
            consumer.close()


@pytest.fixture(params=["memory", "kafka"])
def subject(request: pytest.FixtureRequest) -> Iterator[Subject]:
    if request.param == "memory":
        yield InMemory()
    else:
        yield OnKafka(request.getfixturevalue("kafka_bootstrap"))


def test_key_value_and_headers_arrive_as_they_are(subject: Subject) -> None:
    rows: list[Row] = [(None, b"line\n", [("count", b"1")]), (b"d1", b"\x00\xff", ())]

    async def work(producer: Sends) -> None:
        await producer.send(subject.topic, 3, rows)

    subject.run(work)
    assert subject.records(3) == [(None, b"line\n", [("count", b"1")]), (b"d1", b"\x00\xff", [])]
    assert subject.records(0) == []


def test_a_partition_keeps_the_order_of_sending(subject: Subject) -> None:
    async def lane(producer: Sends, partition: int) -> None:
        for number in range(40):
            await producer.send(subject.topic, partition, [(None, b"%d" % number, ())])

    async def work(producer: Sends) -> None:
        await asyncio.gather(*(lane(producer, partition) for partition in range(3)))

    subject.run(work)
    for partition in range(3):
        assert [value for _, value, _ in subject.records(partition)] == [b"%d" % n for n in range(40)]


def test_a_batch_as_large_as_the_bound_goes_through(subject: Subject) -> None:
    async def work(producer: Sends) -> None:
        await producer.send(subject.topic, 0, [(None, b"x" * 900_000, ())])

    subject.run(work)
    assert [len(value) for _, value, _ in subject.records(0)] == [900_000]
