"""The ledger read as a whole: accepted = stored + duplicate + quarantined + dead_lettered + in flight."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from kafka import KafkaConsumer, TopicPartition

from coldwatch.operate.waiting import Waiting, find_waiting, read_positions, seek_all
from coldwatch.wiring import kafka
from coldwatch.wiring.connections import connect_database
from schemas.reading import HEADER_COUNT
from schemas.settings import KafkaSettings, Settings


@dataclass(frozen=True)
class Ledger:
    """Values since the beginning; `in_flight` are those on Kafka that no worker has committed yet."""

    accepted: int
    stored: int
    duplicate: int
    quarantined: int
    dead_lettered: int
    in_flight: int
    holes: int

    @property
    def balanced(self) -> bool:
        settled = self.stored + self.duplicate + self.quarantined + self.dead_lettered
        return self.accepted == settled + self.in_flight and self.holes == 0

    def as_dict(self) -> dict[str, int | bool]:
        return {**asdict(self), "balanced": self.balanced}


def read(settings: Settings) -> Ledger:
    """Reads the books, by the reader's role, and what lies behind each partition's next position.

    Raises psycopg2.Error or kafka.errors.KafkaError when one of the two cannot be reached.
    """
    connection = connect_database(settings.database.reader_url, settings.database, "ledger")
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(
                "select coalesce(sum(accepted), 0)::bigint + pending, coalesce(sum(stored), 0)::bigint + pending,"
                " coalesce(sum(duplicate), 0)::bigint, coalesce(sum(quarantined), 0)::bigint,"
                " coalesce(sum(dead_lettered), 0)::bigint,"
                " (select count(*) from ledger_hole)"
                " from (select coalesce(sum(pending_values), 0)::bigint as pending from v_booked) p"
                " left join ledger on true group by pending"
            )
            judged, stored, duplicate, quarantined, dead_lettered, holes = cursor.fetchone() or (0,) * 6
            positions = read_positions(cursor)
    finally:
        connection.close()
    in_flight = _values_behind(positions, settings.kafka)
    return Ledger(judged + in_flight, stored, duplicate, quarantined, dead_lettered, in_flight, holes)


def _values_behind(positions: dict[tuple[str, int], int], settings: KafkaSettings) -> int:
    consumer = kafka.consumer(settings, "ledger", auto_offset_reset="earliest")
    try:
        behind = find_waiting(consumer, settings.prefix, positions)
        return _count_values(consumer, behind) if behind else 0
    finally:
        consumer.close()


def _count_values(consumer: KafkaConsumer, behind: Mapping[TopicPartition, Waiting]) -> int:
    seek_all(consumer, {p: waiting.start for p, waiting in behind.items()})
    values = 0
    left = set(behind)
    while left:
        for partition, records in consumer.poll(timeout_ms=500).items():
            values += sum(_values_of(r.headers) for r in records if r.offset < behind[partition].end)
        left = {p for p in left if consumer.position(p) < behind[p].end}
    return values


def _values_of(headers: list[tuple[str, bytes]]) -> int:
    """A pack says its count; every other record (result, frame, rejection) names its own or counts one."""
    return next((int(value) for key, value in headers if key == HEADER_COUNT), 1)
