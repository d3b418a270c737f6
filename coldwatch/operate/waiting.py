"""What waits on Kafka for the workers: from a partition's committed position to its end."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from kafka import KafkaConsumer, TopicPartition
from psycopg2.extensions import cursor as Cursor  # noqa: N812

from schemas.statements import load
from schemas.topics import FRAMES, READINGS, REJECTIONS, RESULTS

WATCHED: Final = (READINGS, RESULTS, FRAMES, REJECTIONS)
SQL: Final = load("coldwatch.operate", "waiting.sql")


class Waiting(NamedTuple):
    """Offsets of the records that wait: from `start`, before `end`."""

    start: int
    end: int

    @property
    def records(self) -> int:
        return self.end - self.start


def read_positions(cursor: Cursor) -> dict[tuple[str, int], int]:
    """How far the workers have committed, by topic and partition."""
    cursor.execute(SQL["positions"])
    return {(topic, partition): position for topic, partition, position in cursor.fetchall()}


def find_waiting(
    consumer: KafkaConsumer, prefix: str, positions: Mapping[tuple[str, int], int]
) -> dict[TopicPartition, Waiting]:
    """The partitions in which something waits. Raises kafka.errors.KafkaError."""
    partitions = [
        TopicPartition(prefix + topic.name, number) for topic in WATCHED for number in range(topic.partitions)
    ]
    firsts, ends = consumer.beginning_offsets(partitions), consumer.end_offsets(partitions)
    starts = {p: max(firsts[p], positions.get((p.topic, p.partition), 0)) for p in partitions}
    return {p: Waiting(starts[p], ends[p]) for p in partitions if ends[p] > starts[p]}


def seek_all(consumer: KafkaConsumer, offsets: Mapping[TopicPartition, int]) -> None:
    """From here on the consumer reads these partitions alone, each from its offset."""
    consumer.assign(list(offsets))
    for partition, offset in offsets.items():
        consumer.seek(partition, offset)
