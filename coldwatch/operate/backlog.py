"""What waits on Kafka for the judge, for the page's status: looked at every few seconds in a thread of its own.

A pack's headers say how many values its gateway run had sent into the partition up to and with it, so the first and
the last waiting pack tell how many values lie between; nothing else is read, however long the queue.
"""

import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Final

import structlog
from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError
from psycopg2.extensions import cursor as Cursor  # noqa: N812

from coldwatch.operate.waiting import find_waiting, read_positions, seek_all
from coldwatch.wiring import kafka
from console.routes import Backlog
from schemas import scope
from schemas.errors import Temporary
from schemas.reading import HEADER_COUNT, HEADER_RUN, HEADER_TOTAL
from schemas.scope import Scope
from schemas.settings import Settings

INTERVAL_S: Final = 2.0


class BacklogWatch:
    """`read` gives the last look; while Kafka or the database is away, nothing is known."""

    def __init__(self, settings: Settings, begin: Callable[[Scope], AbstractContextManager[Cursor]]) -> None:
        self._settings = settings
        self._begin = begin
        self._stop = threading.Event()
        self._last = Backlog()

    def read(self) -> Backlog:
        return self._last

    def start(self) -> None:
        if self._settings.kafka.bootstrap:
            threading.Thread(target=self._run, name="backlog", daemon=True).start()

    def stop(self) -> None:
        self._stop.set()

    def _run(self) -> None:
        consumer: KafkaConsumer | None = None
        while not self._stop.is_set():
            try:
                consumer = consumer or self._connect()
                self._last = self._look(consumer)
            except (KafkaError, Temporary) as error:
                if self._last != Backlog():
                    structlog.get_logger().warning(
                        "backlog_unknown", reason=f"{type(error).__name__}: {error}"
                    )
                self._last = Backlog()
            except Exception:  # the thread may not die unseen: nothing is known, and it looks again
                structlog.get_logger().exception("backlog_failed")
                self._last = Backlog()
            self._stop.wait(INTERVAL_S)
        if consumer is not None:
            consumer.close()

    def _connect(self) -> KafkaConsumer:
        return kafka.consumer(
            self._settings.kafka,
            "backlog",
            auto_offset_reset="earliest",
            enable_incremental_fetch_sessions=False,
        )

    def _look(self, consumer: KafkaConsumer) -> Backlog:
        with self._begin(scope.ALL) as cursor:
            positions = read_positions(cursor)
        behind = find_waiting(consumer, self._settings.kafka.prefix, positions)
        if not behind:
            return Backlog(0, 0.0)
        oldest = _records(consumer, {p: waiting.start for p, waiting in behind.items()})
        newest = _records(consumer, {p: waiting.end - 1 for p, waiting in behind.items()})
        if len(oldest) < len(behind) or len(newest) < len(behind):
            return Backlog()
        waited_s = max(0.0, time.time() - min(record.timestamp for record in oldest.values()) / 1000)
        return Backlog(_sum([_values(oldest[p], newest[p]) for p in behind]), round(waited_s, 1))


def _records(consumer: KafkaConsumer, offsets: dict[TopicPartition, int]) -> dict[TopicPartition, Any]:
    """One record per partition, at that offset; fewer when Kafka is slow."""
    seek_all(consumer, offsets)
    found: dict[TopicPartition, Any] = {}
    deadline = time.monotonic() + INTERVAL_S
    while len(found) < len(offsets) and time.monotonic() < deadline:
        for partition, records in consumer.poll(timeout_ms=200).items():
            found.setdefault(partition, records[0])
    return found


def _values(first: Any, last: Any) -> int | None:
    """Values from the first to the last waiting record; None when two gateway runs lie between."""
    if first.offset == last.offset:
        return int(dict(first.headers).get(HEADER_COUNT, b"1"))
    one, other = dict(first.headers), dict(last.headers)
    if HEADER_TOTAL not in one:
        return int(last.offset - first.offset + 1)  # results, frames and refusals count one each
    if one.get(HEADER_RUN) != other.get(HEADER_RUN):
        return None
    return int(other[HEADER_TOTAL]) - int(one[HEADER_TOTAL]) + int(one[HEADER_COUNT])


def _sum(values: list[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None
