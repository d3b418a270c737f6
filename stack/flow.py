"""How far the judge is behind: records waiting per topic, and the age of the oldest that is not stored yet."""

import time
from dataclasses import dataclass
from importlib import resources

import psycopg2
from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from coldwatch.wiring import kafka
from coldwatch.wiring.connections import connect_database
from schemas.settings import Settings
from schemas.topics import FRAMES, READINGS, REJECTIONS, RESULTS
from stack.status import Unreachable, require_kafka

POSITIONS = resources.files("stack").joinpath("flow.sql").read_text(encoding="utf-8")
WATCHED = (READINGS, RESULTS, FRAMES, REJECTIONS)


@dataclass(frozen=True)
class Flow:
    """`lag` counts Kafka records (packs, for readings) per topic that no worker has committed."""

    lag: dict[str, int]
    oldest_s: float | None


class FlowReader:
    """Keeps a consumer open between two looks; it joins no group and commits nothing."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._prefix = settings.kafka.prefix
        self._open: KafkaConsumer | None = None

    @property
    def _consumer(self) -> KafkaConsumer:
        if self._open is None:
            require_kafka(self._settings.kafka.bootstrap)
            self._open = kafka.consumer(self._settings.kafka, "flow", auto_offset_reset="earliest")
        return self._open

    def close(self) -> None:
        if self._open is not None:
            self._open.close()
            self._open = None

    def read(self) -> Flow:
        """The lag now. Raises Unreachable while database or Kafka cannot be asked."""
        try:
            return self._read()
        except (psycopg2.Error, KafkaError) as error:
            self.close()
            raise Unreachable(str(error).strip()) from error

    def _read(self) -> Flow:
        positions = self._positions()
        partitions = [
            TopicPartition(self._prefix + topic.name, number)
            for topic in WATCHED
            for number in range(topic.partitions)
        ]
        firsts = self._consumer.beginning_offsets(partitions)
        ends = self._consumer.end_offsets(partitions)
        starts = {p: max(firsts[p], positions.get((p.topic, p.partition), 0)) for p in partitions}
        lag = {self._prefix + topic.name: 0 for topic in WATCHED}
        for partition in partitions:
            lag[partition.topic] += max(0, ends[partition] - starts[partition])
        return Flow(lag, self._oldest_s({p: starts[p] for p in partitions if ends[p] > starts[p]}))

    def _positions(self) -> dict[tuple[str, int], int]:
        connection = connect_database(self._settings.database.reader_url, self._settings.database, "flow")
        try:
            with connection.cursor() as cursor:
                cursor.execute(POSITIONS)
                return {(topic, partition): position for topic, partition, position in cursor.fetchall()}
        finally:
            connection.close()

    def _oldest_s(self, behind: dict[TopicPartition, int]) -> float | None:
        """Seconds since the broker took the first waiting record; None when nothing waits."""
        if not behind:
            return None
        self._consumer.assign(list(behind))
        for partition, offset in behind.items():
            self._consumer.seek(partition, offset)
        records = self._consumer.poll(timeout_ms=1_000, max_records=len(behind), update_offsets=False)
        stamps = [batch[0].timestamp for batch in records.values() if batch]
        return max(0.0, time.time() - min(stamps) / 1000) if stamps else None
