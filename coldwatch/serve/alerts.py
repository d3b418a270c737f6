"""Service `alerts`: findings to incidents, incident events to channels. One process per installation."""

import signal
import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import structlog
from kafka import KafkaConsumer, KafkaProducer
from kafka.errors import KafkaError, UnknownTopicOrPartitionError
from prometheus_client import Counter, Gauge

from alerts.channels import CHANNELS, Kind, Tools
from alerts.consumer import FindingsReader
from alerts.journal_postgres import PostgresJournal
from alerts.outbox import Drain
from coldwatch.wiring import kafka
from coldwatch.wiring.connections import connect_database
from coldwatch.wiring.health import HealthServer
from coldwatch.wiring.news import News
from coldwatch.wiring.transactions import Single
from schemas.errors import Permanent, Temporary
from schemas.incident import IncidentEvent
from schemas.settings import Settings
from schemas.topics import FINDINGS, MAX_RECORD_BYTES

EVENTS = Counter("coldwatch_incident_events", "incident events written", ["transition"])
WAITING = Gauge("coldwatch_outbox_waiting", "incident events a channel has yet to deliver", ["channel"])
DELIVERED = Gauge("coldwatch_outbox_delivered", "incident events delivered since the start", ["channel"])
FAILED = Gauge("coldwatch_outbox_failed", "failed deliveries since the start", ["channel"])
READ = Gauge("coldwatch_findings_read", "finding versions read since the start")
UNREADABLE = Gauge("coldwatch_findings_unreadable", "records of the findings topic that are no finding")
METRICS_S = 10.0
NEWS_S = 10.0
BOOTSTRAP_MS = 5_000
"""Shorter than the supervisor's patience, so that a stop is heard while Kafka is away."""
CONSUMER: dict[str, Any] = {
    "auto_offset_reset": "none",
    "fetch_min_bytes": 1,
    "fetch_max_wait_ms": 5_000,
    "bootstrap_timeout_ms": BOOTSTRAP_MS,
}
"""Where it stands is in the database. Kafka answers at once when something is there."""


def now_us() -> int:
    return time.time_ns() // 1000


def run(settings: Settings) -> int:
    """Runs until SIGTERM or SIGINT. Raises Permanent when retrying cannot help."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    service = Service(settings, stop)
    health = HealthServer((settings.health_host, settings.alerts.health_port), service.ready, service.healthy)
    port = health.start()
    structlog.get_logger().info("listening", health=port)
    try:
        service.run()
    finally:
        health.stop()
    return 0


class Service:
    """The reader in the main thread, one thread per channel, one for the metrics; each with a connection of its own."""

    def __init__(
        self, settings: Settings, stop: threading.Event, channels: Mapping[str, Kind] = CHANNELS
    ) -> None:
        self._channels = channels
        self._settings = settings
        self._stop = stop
        self._reader: FindingsReader | None = None
        self._drains: list[Drain] = []
        self._failure: BaseException | None = None

    def ready(self) -> str:
        if self._reader is None:
            return "Kafka has not answered yet"
        return self._reader.trouble

    def healthy(self) -> str:
        return str(self._failure) if self._failure else ""

    def run(self) -> None:
        """Raises Permanent."""
        consumer, topic_id = self._connect_kafka()
        if consumer is None:
            return
        producer = self._producer()
        try:
            self._start_drains(producer)
            self._reader = self._findings(consumer, topic_id)
            self._thread("metrics", self._measure)
            self._thread("news", self._listen)
            self._reader.run(self._stop)
        finally:
            self._stop.set()
            self._wake()
            consumer.close()
            producer.close(timeout=5)
        if self._failure is not None:
            raise Permanent(f"a part of the service has ended: {self._failure!r}") from self._failure

    def _journal(self, name: str) -> PostgresJournal:
        database = self._settings.database
        single = Single(partial(connect_database, database.pipeline_url, database, f"alerts-{name}"))
        return PostgresJournal(single.begin, self._channels)

    def _findings(self, consumer: KafkaConsumer, topic_id: str) -> FindingsReader:
        return FindingsReader(
            consumer,
            self._journal("findings"),
            self._settings.kafka.prefix + FINDINGS.name,
            FINDINGS.partitions,
            topic_id,
            now_us,
            self._applied,
        )

    def _applied(self, events: list[IncidentEvent]) -> None:
        for event in events:
            EVENTS.labels(event.transition.value).inc()
        self._wake()

    def _listen(self) -> None:
        """A person's word is written by the console's process; ours wakes the channels too, which costs little."""
        database = self._settings.database
        news = News(partial(connect_database, database.pipeline_url, database, "alerts-news"))
        while not self._stop.is_set():
            if news.wait(NEWS_S):
                self._wake()

    def _wake(self) -> None:
        for drain in self._drains:
            drain.wake.set()

    def _start_drains(self, producer: KafkaProducer) -> None:
        tools = Tools(producer, self._settings.kafka.prefix)
        for name, kind in self._channels.items():
            drain = Drain(name, kind.build(tools), self._journal(f"channel-{name}"), now_us)
            self._drains.append(drain)
            self._thread(f"channel-{name}", partial(drain.run, self._stop))

    def _thread(self, name: str, work: Callable[[], None]) -> None:
        """A daemon thread; whatever ends it unexpectedly ends the service, which the supervisor starts again."""

        def body() -> None:
            try:
                work()
            except Exception as error:
                structlog.get_logger().exception("thread_failed", thread=name)
                self._failure = error
                self._stop.set()

        threading.Thread(target=body, name=name, daemon=True).start()

    def _measure(self) -> None:
        journal = self._journal("metrics")
        while not self._stop.wait(METRICS_S):
            try:
                for channel, count in journal.waiting().items():
                    WAITING.labels(channel).set(count)
            except Temporary:
                continue  # the reader says so in its own words
            for drain in self._drains:
                DELIVERED.labels(drain.name).set(drain.delivered)
                FAILED.labels(drain.name).set(drain.failed)
            if self._reader is not None:
                READ.set(self._reader.findings)
                UNREADABLE.set(self._reader.unreadable)

    def _connect_kafka(self) -> tuple[KafkaConsumer | None, str]:
        """Waits until Kafka answers; (None, "") when asked to stop meanwhile."""
        while not self._stop.is_set():
            try:
                return self._consumer(), self._topic_id()
            except KafkaError as error:
                structlog.get_logger().warning("waiting", reason=f"Kafka: {type(error).__name__}: {error}")
                self._stop.wait(1.0)
        return None, ""

    def _topic_id(self) -> str:
        name = self._settings.kafka.prefix + FINDINGS.name
        admin = kafka.admin(self._settings.kafka, "alerts", bootstrap_timeout_ms=BOOTSTRAP_MS)
        try:
            (found,) = admin.describe_topics([name])
        finally:
            admin.close()
        count = len(found["partitions"])
        if count == 0:
            raise UnknownTopicOrPartitionError(f"topic {name} is not there yet")
        if count != FINDINGS.partitions:
            raise Permanent(f"topic {name} has {count} partitions and needs {FINDINGS.partitions}")
        return str(found["topic_id"])

    def _consumer(self) -> KafkaConsumer:
        return kafka.consumer(self._settings.kafka, "alerts", **CONSUMER)

    def _producer(self) -> KafkaProducer:
        return kafka.producer(
            self._settings.kafka,
            "alerts",
            max_request_size=MAX_RECORD_BYTES - 4096,
            max_block_ms=10_000,
            bootstrap_timeout_ms=BOOTSTRAP_MS,
        )
