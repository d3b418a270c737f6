"""Kafka frozen, killed, or refusing: nothing is acknowledged meanwhile, memory is bounded, then all comes through."""

import asyncio
import signal
import threading
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient

from coldwatch.operate import topics
from ingest.producer import Producer
from schemas.reading import CLOCK, decode_lines
from schemas.settings import KafkaSettings
from schemas.topics import READINGS
from stack import caches
from stack.kafka import Kafka
from stack.ports import Ports
from stack.supervisor import Supervisor
from tests import refused_sockets
from tests.gateways import RunningGateway, running, telemetry
from tests.mqtt_client import RawClient, publish
from tests.servers import Servers
from tests.waiting import until

pytestmark = [pytest.mark.long, *refused_sockets.FORGIVEN]
BOUND = 400_000


@pytest.fixture(scope="module")
def broker(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Supervisor]:
    """A Kafka of the module's own, since it is hurt here; `servers` skips where there can be none."""
    home = tmp_path_factory.mktemp("broker")
    ports = Ports(home / "ports.json")
    kafka = Kafka(
        caches.kafka_jars(caches.default_directory()),
        home,
        ports.choose("kafka"),
        ports.choose("controller"),
        512,
    )
    supervisor = Supervisor(home / "logs")
    supervisor.launch([kafka])
    yield supervisor
    supervisor.stop()


def bootstrap_of(broker: Supervisor) -> str:
    kafka = broker.runners["kafka"].program
    assert isinstance(kafka, Kafka)
    return kafka.bootstrap


@pytest.fixture(scope="module")
def gateway(
    servers: Servers, broker: Supervisor, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningGateway]:
    database = servers.fresh_database()
    home = tmp_path_factory.mktemp("gateway")
    with running(home, bootstrap_of(broker), database, max_buffered_bytes=BOUND) as found:
        yield found
    servers.drop_database(database)


def signed_in(gateway: RunningGateway, device: str) -> RawClient:
    token = gateway.tokens.get(device) or gateway.enrol(device)
    client = RawClient(gateway.port, limit_s=120)
    assert client.sign_in(4, device, token)[3] == 0
    return client


def topic(device: str) -> str:
    return f"cw/v1/e1/{device}/telemetry"


def seqs(gateway: RunningGateway) -> list[int]:
    records = gateway.records(READINGS)
    return [line.seq for record in records for line in decode_lines(record.value) if line.p > 0]


def test_a_frozen_kafka_gets_no_puback_and_a_thawed_one_does(
    gateway: RunningGateway, broker: Supervisor
) -> None:
    with signed_in(gateway, "frozen-1") as client:
        client.send(publish(4, topic("frozen-1"), telemetry(seq=1), 1))
        assert client.read() == b"\x40\x02\x00\x01"
        broker.runners["kafka"].kill(signal.SIGSTOP)
        try:
            client.send(publish(4, topic("frozen-1"), telemetry(seq=2), 2))
            until(lambda: gateway.status("readyz") == 503, 20)
            assert gateway.status("healthz") == 200
            assert gateway.metric("oldest_pack_seconds") > 4
            assert client.pending() == b""
        finally:
            broker.runners["kafka"].kill(signal.SIGCONT)
        assert client.read() == b"\x40\x02\x00\x02"
    until(lambda: gateway.status("readyz") == 200, 60)
    until(lambda: longest_gap_us(gateway) > 3_000_000, 20)


def longest_gap_us(gateway: RunningGateway) -> int:
    """Between two clock lines of partition 0."""
    records = [record for record in gateway.records(READINGS) if record.partition == 0]
    times = [line.at for record in records for line in decode_lines(record.value) if line.n == CLOCK]
    return max(b - a for a, b in pairwise(times))


def test_at_the_bound_reading_stops_and_everything_drains_afterwards(
    gateway: RunningGateway, broker: Supervisor
) -> None:
    count = 6000
    with signed_in(gateway, "bound-1") as client:
        packets = b"".join(
            publish(4, topic("bound-1"), telemetry(seq=n).ljust(500), n) for n in range(1, count + 1)
        )
        broker.runners["kafka"].kill(signal.SIGSTOP)
        try:
            sending = threading.Thread(target=client.send, args=(packets,), daemon=True)
            sending.start()
            until(lambda: gateway.metric("reading_stopped") == 1, 20)
            # One turn of the event loop may still bring what one read of the socket holds.
            assert gateway.metric("buffered_bytes") < BOUND + 2 * 256 * 1024
            assert client.pending() == b""
        finally:
            broker.runners["kafka"].kill(signal.SIGCONT)
        acked = [int.from_bytes(client.read()[2:], "big") for _ in range(count)]
        sending.join(30)
    assert acked == list(range(1, count + 1))
    assert gateway.metric("buffered_bytes") < BOUND


def test_a_killed_kafka_loses_nothing_that_was_acknowledged(
    gateway: RunningGateway, broker: Supervisor
) -> None:
    runner = broker.runners["kafka"]
    first, count = 100_000, 3000
    with signed_in(gateway, "kill-1") as client:
        for round_ in range(3):
            start = first + round_ * count
            client.send(
                b"".join(publish(4, topic("kill-1"), telemetry(seq=start + n), n) for n in range(1, 101))
            )
            restarts = runner.status().restarts
            runner.kill(signal.SIGKILL)
            until(lambda before=restarts: runner.status().restarts > before, 60)
            client.send(
                b"".join(
                    publish(4, topic("kill-1"), telemetry(seq=start + n), n) for n in range(101, count + 1)
                )
            )
            acked = [int.from_bytes(client.read()[2:], "big") for _ in range(count)]
            assert acked == list(range(1, count + 1))
    until(lambda: gateway.status("readyz") == 200, 60)
    kept = [seq for seq in seqs(gateway) if seq >= first]
    wanted = [first + round_ * count + n for round_ in range(3) for n in range(1, count + 1)]
    assert sorted(set(kept)) == wanted
    assert list(dict.fromkeys(kept)) == wanted  # a pack that came twice came behind itself


def test_a_batch_that_kafka_refuses_is_sent_again_by_a_new_producer(broker: Supervisor) -> None:
    """MessageSizeTooLarge leaves the idempotent producer out of step; the next one must not be."""
    bootstrap = bootstrap_of(broker)
    topics.ensure(KafkaSettings(bootstrap=bootstrap, prefix="refusing-"))
    name = "refusing-" + READINGS.name
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)

    def limit(size: int) -> None:
        resource = ConfigResource(ConfigResourceType.TOPIC, name, configs={"max.message.bytes": str(size)})
        admin.alter_configs([resource])

    async def send() -> None:
        refused, sent = asyncio.Event(), asyncio.Event()
        producer = Producer(
            {"bootstrap_servers": bootstrap},
            20.0,
            lambda error: refused.set() if error == "MessageSizeTooLargeError" else None,
        )

        async def keep_sending() -> None:
            while True:  # a topic's new limit holds a moment after it was set
                await producer.send(name, 0, [(None, b"x" * 5_000, [])])
                sent.set()

        sending = asyncio.create_task(keep_sending())
        try:
            await asyncio.to_thread(limit, 1_000)
            await asyncio.wait_for(refused.wait(), 60)
            other = asyncio.create_task(producer.send(name, 1, [(None, b"y", [])]))
            sent.clear()
            await asyncio.to_thread(limit, 1_000_000)
            await asyncio.wait_for(sent.wait(), 60)
            await asyncio.wait_for(other, 60)
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
            await producer.stop()

    try:
        asyncio.run(asyncio.wait_for(send(), 300))
    finally:
        admin.close()


def test_a_gateway_started_without_kafka_waits_for_it(
    servers: Servers, broker: Supervisor, tmp_path: Path
) -> None:
    database = servers.fresh_database()
    with running(tmp_path, bootstrap_of(broker), database) as late:
        with signed_in(late, "late-1") as client:
            client.send(publish(4, topic("late-1"), telemetry(), 1))
            assert client.read()[0] == 0x40
        late.runner.pause()
        broker.runners["kafka"].pause()
        try:
            late.runner.resume()
            until(lambda: late.answers() and late.status("healthz") == 200, 30)
            assert late.status("readyz") == 503
        finally:
            broker.runners["kafka"].resume()
        until(lambda: late.status("readyz") == 200, 120)
        with signed_in(late, "late-1") as client:
            client.send(publish(4, topic("late-1"), telemetry(), 2))
            assert client.read() == b"\x40\x02\x00\x02"
    servers.drop_database(database)
