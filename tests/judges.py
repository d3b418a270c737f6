"""Real judge processes over a real Kafka and TimescaleDB, and a gateway that only writes packs."""

import os
import secrets
import subprocess
import sys
import time
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import psycopg2
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient
from pydantic import SecretStr

from coldwatch.operate import topics
from coldwatch.operate.ledger import Ledger, read
from ingest.device_changes import Change
from ingest.registry import PostgresRegistry
from schemas.finding import Finding, decode_finding
from schemas.reading import Line, clock_line, reading_line
from schemas.registry import Device
from schemas.settings import DatabaseSettings, KafkaSettings, Settings
from schemas.times import to_us
from schemas.topics import FINDINGS, READINGS, partition_of
from tests.servers import Database
from tests.waiting import until

ROOT = Path(__file__).resolve().parents[1]
DEVICES = 16


class Judges:
    """One installation: its topics under a prefix, its database, its judge processes."""

    def __init__(self, bootstrap: str, database: Database, home: Path, prefix: str = "") -> None:
        self.bootstrap = bootstrap
        self.database = database
        self.home = home
        self.prefix = prefix or f"judge{secrets.token_hex(3)}-"
        self.processes: list[subprocess.Popen[bytes]] = []
        if not prefix:
            topics.ensure(KafkaSettings(bootstrap=bootstrap, prefix=self.prefix))
            self._stamped_by_the_writer()

    def _stamped_by_the_writer(self) -> None:
        """Packs are written in another time than ours, and Kafka's time of them is to be of it too.

        By that time they are old, and Kafka is not to delete them.
        """
        admin = KafkaAdminClient(bootstrap_servers=self.bootstrap)
        configs = {topics.TIMESTAMPS: "CreateTime", "retention.ms": "-1"}
        try:
            admin.alter_configs(
                [ConfigResource(ConfigResourceType.TOPIC, self.prefix + READINGS.name, configs=configs)]
            )
        finally:
            admin.close()

    def start(self, **settings: object) -> subprocess.Popen[bytes]:
        """One more judge process; `settings` as COLDWATCH_JUDGE__NAME."""
        self.home.mkdir(parents=True, exist_ok=True)
        environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("COLDWATCH_")},
            "COLDWATCH_HOME": str(self.home),
            "COLDWATCH_KAFKA__BOOTSTRAP": self.bootstrap,
            "COLDWATCH_KAFKA__PREFIX": self.prefix,
            "COLDWATCH_DATABASE__PIPELINE_URL": self.database.pipeline_url,
            "COLDWATCH_JUDGE__CHECKPOINT_INTERVAL_S": "1",
            "COLDWATCH_JUDGE__SESSION_TIMEOUT_S": "6",
        } | {f"COLDWATCH_JUDGE__{name.upper()}": str(value) for name, value in settings.items()}
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "coldwatch", "serve", "judge"],
                cwd=ROOT,
                env=environment,
                stdout=log,
                stderr=log,
            )
        self.processes.append(process)
        return process

    @property
    def log(self) -> Path:
        return self.home / "judges.log"

    def stop(self) -> None:
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.wait()

    # ------------------------------------------------------------------ the database

    def sql(self, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        connection = psycopg2.connect(self.database.owner_url, options="-c timezone=UTC")
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(query, values or None)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    def register(self, profile: str = "demo", interval_s: float = 2.0) -> dict[str, int]:
        """d0 ... d15 with one temperature point each; returns point ids by device."""
        self.sql("insert into county values ('c', 'c') on conflict do nothing")
        self.sql("insert into enterprise values ('e', 'e', 'c') on conflict do nothing")
        self.sql("insert into site values ('e', 's', 's') on conflict do nothing")
        for number in range(DEVICES):
            self.sql(
                "insert into device (id, kind, enterprise, site, interval_us, profile, change)"
                " values (%s, 'probe', 'e', 's', %s, %s, 1) on conflict do nothing",
                (f"d{number}", int(interval_s * 1e6), profile),
            )
            self.sql(
                "insert into point (device, enterprise, metric, unit, possible_low, possible_high)"
                " values (%s, 'e', 'temperature', 'Cel', -80, 80) on conflict do nothing",
                (f"d{number}",),
            )
        self.sql(
            "insert into device_fact (device, effective_from, kind, interval_us, profile, metrics)"
            " select id, 'epoch', kind, interval_us, profile, '{temperature}' from device on conflict do nothing"
        )
        self.sql("update registry_change set number = number + 1")
        return dict(self.sql("select device, id from point"))

    def change(self, wish: Change, second_us: int) -> None:
        """Changes a device as the registry does, at second_us."""
        connection = psycopg2.connect(self.database.pipeline_url)
        try:
            answer = PostgresRegistry(connection).change(wish, second_us)
        finally:
            connection.close()
        assert isinstance(answer, Device), answer

    def copy_registry(self, source: "Judges") -> None:
        """The registry and the profiles of another installation with their dates, and nothing else."""
        copy_registry(source.database.owner_url, self.database.owner_url)

    def readings(self) -> list[Line]:
        return [
            Line(p=p, at=to_us(at), seq=seq, v=v, q=q, r=to_us(r))
            for p, at, seq, v, q, r in self.sql(
                "select point_id, at, seq, value, quality, received_at from reading"
            )
        ]

    def findings(self) -> set[tuple[Any, ...]]:
        """All versions of all findings, but for when they were written."""
        return set(
            self.sql(
                "select id::text, version, change, subject, rule, severity, start_at, end_at, peak, measured_at,"
                " received_at from finding"
            )
        )

    def ledger(self) -> Ledger:
        return read(
            Settings(
                kafka=KafkaSettings(bootstrap=self.bootstrap, prefix=self.prefix),
                database=DatabaseSettings(reader_url=SecretStr(self.database.reader_url)),
            )
        )

    def settled(self, limit_s: float = 60.0) -> Ledger:
        """Waits until nothing is in flight and no finding unsent."""

        def done() -> bool:
            unsent = self.sql("select count(*) from finding_unsent")[0][0]
            return (
                unsent == 0
                and self.sql("select count(*) from partition_offset")[0][0] > 0
                and self._caught_up()
            )

        until(done, limit_s, 0.2)
        return self.ledger()

    def _caught_up(self) -> bool:
        consumer = KafkaConsumer(bootstrap_servers=self.bootstrap, enable_auto_commit=False)
        try:
            positions = {
                TopicPartition(topic, partition): position
                for topic, partition, position in self.sql(
                    "select topic, partition, next_position from partition_offset"
                )
            }
            return all(positions[tp] == end for tp, end in consumer.end_offsets(list(positions)).items())
        finally:
            consumer.close()

    def told(self) -> list[Finding]:
        """What is on topic `findings`."""
        consumer = KafkaConsumer(
            bootstrap_servers=self.bootstrap, enable_auto_commit=False, auto_offset_reset="earliest"
        )
        try:
            places = [TopicPartition(self.prefix + FINDINGS.name, n) for n in range(FINDINGS.partitions)]
            consumer.assign(places)
            ends = consumer.end_offsets(places)
            consumer.seek_to_beginning(*places)
            found: list[Finding] = []
            while any(consumer.position(place) < ends[place] for place in places):
                for records in consumer.poll(timeout_ms=200).values():
                    found += [decode_finding(record.value) for record in records]
            return found
        finally:
            consumer.close()


REGISTRY = (
    "county", "enterprise", "site", "asset", "device", "device_fact", "point", "profile", "registry_change",
)  # fmt: skip


def copy_registry(source_url: str, target_url: str) -> None:
    """Registry and profiles with their dates, from one migrated database into an empty one."""
    source, target = psycopg2.connect(source_url), psycopg2.connect(target_url)
    try:
        with target, target.cursor() as into, source.cursor() as out:
            into.execute("delete from profile; delete from registry_change")
            for table in REGISTRY:
                rows = BytesIO()
                out.copy_expert(f"copy {table} to stdout", rows)
                rows.seek(0)
                into.copy_expert(f"copy {table} from stdin", rows)
    finally:
        source.close()
        target.close()


class Packs:
    """Writes packs and clock lines as a gateway does; time, Kafka's too, is the caller's, in seconds from BASE_US."""

    BASE_US = 1_790_000_000_000_000

    def __init__(self, judges: Judges, run: str = "g1") -> None:
        self._producer = KafkaProducer(bootstrap_servers=judges.bootstrap, acks="all")
        self._topic = judges.prefix + READINGS.name
        self._run = run
        self._totals = [0] * READINGS.partitions
        self._sent_us = self.BASE_US
        self.values = 0

    def us(self, second: float) -> int:
        return self.BASE_US + round(second * 1e6)

    def send(self, second: float, lines: dict[str, list[bytes]]) -> None:
        """One pack into every partition: the devices' lines, then the clock."""
        packs: list[list[bytes]] = [[] for _ in range(READINGS.partitions)]
        self._sent_us = self.us(second)
        for device, texts in lines.items():
            packs[partition_of(device, READINGS.partitions)] += texts
        for partition, pack in enumerate(packs):
            count = sum(b'"p":0' not in text for text in pack)
            self._totals[partition] += count
            self.values += count
            self.raw(
                b"".join([*pack, clock_line(self.us(second), self._run)]),
                partition,
                [
                    ("count", b"%d" % count),
                    ("run", self._run.encode()),
                    ("total", b"%d" % self._totals[partition]),
                ],
            )

    def raw(self, value: bytes, partition: int, headers: list[tuple[str, bytes]] | None = None) -> None:
        self._producer.send(
            self._topic,
            value=value,
            partition=partition,
            headers=headers or [],
            timestamp_ms=self._sent_us // 1000,
        )

    def reading(self, point: int, second: float, value: float, late_s: float = 0.0, seq: int = 0) -> bytes:
        return reading_line(point, self.us(second), seq, value, 1, self.us(second + late_s) + 5_000)

    def flush(self) -> None:
        self._producer.flush()

    def close(self) -> None:
        self._producer.close()


def now_us() -> int:
    return time.time_ns() // 1000
