"""A real gateway process for integration tests, on the session's Kafka and a database of its own."""

import json
import secrets
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg2
from kafka import KafkaConsumer, TopicPartition
from pydantic import SecretStr

from coldwatch.operate import topics
from coldwatch.serve import SERVICES
from ingest.onboarding import Enrolment
from ingest.registry import Enrolled, PostgresRegistry
from schemas.settings import KafkaSettings, Settings
from schemas.topics import Topic
from stack.ports import Ports
from stack.runner import Runner
from stack.services import Service
from stack.supervisor import Supervisor
from tests.servers import Database, blank_settings

ENTERPRISE = "e1"


@dataclass
class RunningGateway:
    """A gateway and what surrounds it. Tokens of enrolled devices by id."""

    settings: Settings
    database: Database
    runner: Runner
    tokens: dict[str, str] = field(default_factory=dict)

    @property
    def port(self) -> int:
        return self.settings.gateway.port

    def enrol(self, device: str, kind: str = "probe", behind: str = "") -> str:
        """Enrols a device and returns its token."""
        with _registry(self.database) as registry:
            wish = Enrolment(id=device, kind=kind, enterprise=ENTERPRISE, site="s1", behind=behind)
            answer = registry.enrol(wish)
            assert isinstance(answer, Enrolled), answer
        self.tokens[device] = answer.token
        return answer.token

    def retire(self, device: str) -> None:
        with _registry(self.database) as registry:
            registry.retire(device, time.time_ns() // 1000)

    def rotate(self, device: str) -> str:
        with _registry(self.database) as registry:
            answer = registry.rotate(device)
        assert isinstance(answer, Enrolled), answer
        return answer.token

    def records(self, topic: Topic) -> list[Any]:
        """Everything on one topic so far."""
        name = self.settings.kafka.prefix + topic.name
        consumer = KafkaConsumer(bootstrap_servers=self.settings.kafka.bootstrap, enable_auto_commit=False)
        try:
            partitions = [TopicPartition(name, number) for number in range(topic.partitions)]
            ends = consumer.end_offsets(partitions)
            consumer.assign(partitions)
            consumer.seek_to_beginning(*partitions)
            found = []
            while any(consumer.position(partition) < ends[partition] for partition in partitions):
                for records in consumer.poll(timeout_ms=500).values():
                    found += records
            return found
        finally:
            consumer.close()

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        connection = psycopg2.connect(self.database.pipeline_url)
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement)
                return cursor.fetchall()
        finally:
            connection.close()

    def metric(self, name: str) -> float:
        """A figure of /metrics, summed over its labels; `coldwatch_gateway_` is put before the name."""
        with urllib.request.urlopen(self._url("metrics"), timeout=5) as answer:
            lines = answer.read().decode().splitlines()
        full = f"coldwatch_gateway_{name}"
        return sum(float(line.split()[-1]) for line in lines if line.split("{")[0].split(" ")[0] == full)

    def answers(self) -> bool:
        """Whether it takes connections."""
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=5).close()
        except OSError:
            return False
        return True

    def status(self, path: str) -> int:
        """The HTTP status; 0 when nobody answers."""
        try:
            with urllib.request.urlopen(self._url(path), timeout=5) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0

    def _url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.settings.gateway.health_port}/{path}"


@contextmanager
def running(home: Path, bootstrap: str, database: Database, **gateway: Any) -> Iterator[RunningGateway]:
    """Starts a gateway with topics of its own; stops it afterwards."""
    prefix = f"t{secrets.token_hex(4)}-"
    topics.ensure(KafkaSettings(bootstrap=bootstrap, prefix=prefix))
    blank, ports = blank_settings(home), Ports(home / "ports.json")
    chosen = {"port": ports.choose("mqtt"), "health_port": ports.choose("health")} | gateway
    settings = blank.model_copy(
        update={
            "home": home,
            "log_format": "json",
            "kafka": blank.kafka.model_copy(update={"bootstrap": bootstrap, "prefix": prefix}),
            "database": blank.database.model_copy(update={"pipeline_url": SecretStr(database.pipeline_url)}),
            "gateway": blank.gateway.model_copy(update=chosen),
        }
    )
    supervisor = Supervisor(home / "logs")
    try:
        supervisor.launch([Service(SERVICES["gateway"], settings)], limit_s=30)
        yield RunningGateway(settings, database, supervisor.runners["gateway"])
    finally:
        supervisor.stop()


@contextmanager
def _registry(database: Database) -> Iterator[PostgresRegistry]:
    connection = psycopg2.connect(database.pipeline_url)
    try:
        yield PostgresRegistry(connection)
    finally:
        connection.close()


def telemetry(value: float = 4.5, seq: int = 1, at_ms: int | None = None) -> bytes:
    at_ms = time.time_ns() // 1_000_000 if at_ms is None else at_ms
    return json.dumps({"at": at_ms, "seq": seq, "values": {"temperature": value}}).encode()
