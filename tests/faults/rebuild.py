"""The topics read again from the start, by a judge of its own, into a database of registry and profiles alone."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg2
from kafka import KafkaConsumer, TopicPartition
from psycopg2 import sql

from coldwatch.operate import prepare
from coldwatch.wiring.connections import with_parts
from schemas.settings import Settings
from schemas.topics import READINGS, REJECTIONS, RESULTS
from stack.local import environment
from stack.ports import Ports
from stack.program import plain_environment
from tests.judges import copy_registry
from tests.waiting import until

JUDGED = (READINGS, RESULTS, REJECTIONS)


@contextmanager
def rebuilt(settings: Settings, name: str = "rebuilt") -> Iterator[str]:
    """Yields the reader's URL of a second database that a second judge has filled from the same topics."""
    other = _empty_database(settings, name)
    copy_registry(settings.database.owner_url.get_secret_value(), other.database.owner_url.get_secret_value())
    judge = _judge(other)
    try:
        until(lambda: _caught_up(other) or judge.poll() is not None, 180, 0.5)
        assert judge.poll() is None, "the second judge ended by itself"
    finally:
        judge.terminate()
        judge.wait(30)
    yield other.database.reader_url.get_secret_value()


def _empty_database(settings: Settings, name: str) -> Settings:
    owner = settings.database.owner_url.get_secret_value()
    connection = psycopg2.connect(owner)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    connection.close()
    database = settings.database
    urls = {
        f"{role}_url": with_parts(getattr(database, f"{role}_url"), dbname=name)
        for role in ("owner", "pipeline", "web", "reader")
    }
    changed = database.model_copy(update=urls)
    prepare.database(changed, settings.home / "secrets")
    judge = settings.judge.model_copy(
        update={
            "group": f"{settings.judge.group}-{name}",
            "health_port": Ports(settings.home / "rebuild-ports.json").choose("judge"),
        }
    )
    return settings.model_copy(update={"database": changed, "judge": judge})


def _judge(settings: Settings) -> "subprocess.Popen[bytes]":
    with (settings.home / "logs" / "judge-rebuilt.log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "coldwatch", "serve", "judge"],
            env=plain_environment() | environment(settings),
            stdout=log,
            stderr=log,
        )


def _caught_up(settings: Settings) -> bool:
    """Every judged partition's next position is the topic's end."""
    consumer = KafkaConsumer(bootstrap_servers=settings.kafka.bootstrap, enable_auto_commit=False)
    try:
        partitions = [
            TopicPartition(settings.kafka.prefix + topic.name, number)
            for topic in JUDGED
            for number in range(topic.partitions)
        ]
        ends = {(p.topic, p.partition): end for p, end in consumer.end_offsets(partitions).items() if end}
    finally:
        consumer.close()
    connection = psycopg2.connect(settings.database.reader_url.get_secret_value())
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute("select topic, partition, next_position from v_booked")
            done = {(topic, partition): position for topic, partition, position in cursor.fetchall()}
    finally:
        connection.close()
    return all(done.get(key, 0) >= end for key, end in ends.items())
