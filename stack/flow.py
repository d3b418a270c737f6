"""How far the judge is behind: records waiting per topic, and the age of the oldest that is not stored yet."""

import time
from dataclasses import dataclass

import psycopg2
from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from coldwatch.operate.waiting import WATCHED, find_waiting, read_positions, seek_all
from coldwatch.wiring import kafka
from coldwatch.wiring.connections import connect_database
from schemas.settings import Settings
from stack.status import Unreachable, require_kafka


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
        behind = find_waiting(self._consumer, self._prefix, positions)
        lag = {self._prefix + topic.name: 0 for topic in WATCHED}
        for partition, waiting in behind.items():
            lag[partition.topic] += waiting.records
        return Flow(lag, self._oldest_s({p: waiting.start for p, waiting in behind.items()}))

    def _positions(self) -> dict[tuple[str, int], int]:
        connection = connect_database(self._settings.database.reader_url, self._settings.database, "flow")
        try:
            with connection.cursor() as cursor:
                return read_positions(cursor)
        finally:
            connection.close()

    def _oldest_s(self, behind: dict[TopicPartition, int]) -> float | None:
        """Seconds since the broker took the first waiting record; None when nothing waits."""
        if not behind:
            return None
        seek_all(self._consumer, behind)
        records = self._consumer.poll(timeout_ms=1_000, max_records=len(behind), update_offsets=False)
        stamps = [batch[0].timestamp for batch in records.values() if batch]
        return max(0.0, time.time() - min(stamps) / 1000) if stamps else None
