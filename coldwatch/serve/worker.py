"""What judge and frames worker have in common: the event loop, connections, health, and the way out."""

import gc
import os
import socket
import uuid
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NoReturn

import mode.loop
import structlog

mode.loop.use("uvloop")  # before faust is imported: worth a quarter of its time

from kafka import KafkaConsumer, TopicPartition  # noqa: E402

from coldwatch.wiring import kafka  # noqa: E402
from coldwatch.wiring.connections import connect_database  # noqa: E402
from coldwatch.wiring.health import HealthServer  # noqa: E402
from processors.worker.app import Handler, Worker  # noqa: E402
from processors.worker.database import Database  # noqa: E402
from processors.worker.offsets import Unsent  # noqa: E402
from processors.worker.work import Place  # noqa: E402
from schemas.errors import Permanent  # noqa: E402
from schemas.settings import Settings  # noqa: E402

EXIT_TRY_AGAIN = 1
EXIT_PERMANENT = 3


class Broker:
    """The Kafka clients beside Faust's own."""

    def __init__(self, settings: Settings, role: str) -> None:
        self._settings = settings.kafka
        self._role = role
        self._consumer: KafkaConsumer | None = None

    def options(self) -> dict[str, Any]:
        """How Kafka is reached, as aiokafka's keyword arguments. Raises BadSetting."""
        return kafka.options(self._settings)

    def topic_ids(self, topics: Sequence[str]) -> dict[str, str]:
        """Kafka's id of each topic. Raises Permanent for a topic that does not exist."""
        admin = kafka.admin(self._settings, f"{self._role}-ids")
        try:
            found = {row["name"]: row for row in admin.describe_topics(list(topics))}
        finally:
            admin.close()
        missing = [name for name in topics if not found.get(name, {}).get("partitions")]
        if missing:
            raise Permanent(f"主题不存在 / topics are missing: {', '.join(missing)}; run `coldwatch prepare`")
        return {name: str(found[name]["topic_id"]) for name in topics}

    def ends(self, places: Sequence[Place]) -> dict[Place, int]:
        """Where each partition ends now."""
        if self._consumer is None:
            self._consumer = kafka.consumer(self._settings, f"{self._role}-ends")
        ends = self._consumer.end_offsets([TopicPartition(*place) for place in places]) if places else {}
        return {Place(tp.topic, tp.partition): end for tp, end in ends.items()}

    def producer(self) -> Any:
        return kafka.async_producer(self._settings, f"{self._role}-findings")


def run(settings: Settings, role: str, health_port: int, handler: Callable[[Database, str], Handler]) -> int:
    """Builds the role's worker and runs it until SIGTERM; returns the exit code."""
    gc.set_threshold(
        100_000, 20, 100
    )  # state is many small objects that stay: halves the cost of a checkpoint
    owner = f"{socket.gethostname()}/{os.getpid()}/{uuid.uuid4().hex[:8]}"
    connect = partial(connect_database, settings.database.pipeline_url, settings.database, role)
    draining = partial(connect_database, settings.database.pipeline_url, settings.database, f"{role}-drain")
    worker = Worker(
        settings, role, handler(Database(connect), owner), Broker(settings, role),
        Unsent(Database(draining), role), fatal,
    )  # fmt: skip
    health = HealthServer((settings.health_host, health_port), worker.ready, worker.healthy)
    structlog.get_logger().info("started", owner=owner, health_port=health.start())
    code = worker.run()
    worker.shut()
    health.stop()
    structlog.get_logger().info("stopped")
    return code


def fatal(error: BaseException) -> NoReturn:
    """Says why and ends the process at once: a worker in doubt writes nothing more."""
    permanent = isinstance(error, Permanent)
    structlog.get_logger().error("worker_ends", reason=str(error), kind=type(error).__name__, exc_info=error)
    os._exit(EXIT_PERMANENT if permanent else EXIT_TRY_AGAIN)
