"""The front door without socket, clock or Kafka, under the test's control."""

import asyncio
from typing import Any

from prometheus_client import CollectorRegistry

from ingest.evidence import MemoryEvidence
from ingest.mqtt.connection import Connection
from ingest.mqtt.metrics import Metrics
from ingest.mqtt.server import Server
from ingest.producer_memory import MemoryProducer
from ingest.refusals import Refusals
from ingest.registry import Changes, RegistryCache
from ingest.registry_cache import token_sha256
from ingest.routing import TABLES, Tables
from schemas.registry import Device, Point
from schemas.settings import GatewaySettings
from tests.mqtt_client import connect


class FakeTransport(asyncio.Transport):
    """Keeps what is written; `backlog` is what the client has not read."""

    def __init__(self) -> None:
        super().__init__({"peername": ("10.0.0.1", 1)})
        self.written = b""
        self.reading = True
        self.closed = False
        self.backlog = 0

    def write(self, data: bytes | bytearray | memoryview) -> None:
        assert not self.closed
        self.written += data

    def take(self) -> bytes:
        written, self.written = self.written, b""
        return written

    def pause_reading(self) -> None:
        assert self.reading
        self.reading = False

    def resume_reading(self) -> None:
        assert not self.reading
        self.reading = True

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.closed = True

    def get_write_buffer_size(self) -> int:
        return self.backlog


class House:
    """A gateway `hub` with children `c0`..`c7` and a probe `solo`, on a producer under the test's control."""

    def __init__(self, tables: Tables = TABLES, **settings: Any) -> None:
        self.now_s = 1000.0
        self.cache = RegistryCache()
        self.producer = MemoryProducer()
        self.evidence = MemoryEvidence()
        self.refusals = Refusals(slow_after=100, slow_s=2.0)
        self.gateway = Server(
            GatewaySettings(**settings),
            self.cache,
            self.refusals,
            Metrics(CollectorRegistry()),
            "run-1",
            self.producer,
            self.evidence,
            now_s=lambda: self.now_s,
            spacing_s=0.0,
            tables=tables,
        )
        devices = [self.device("hub", "gateway"), self.device("solo")]
        devices += [self.device(f"c{number}", behind="hub") for number in range(8)]
        self.cache.apply(Changes(1, tuple(devices)))

    def device(self, name: str, kind: str = "probe", behind: str = "", **fields: Any) -> Device:
        point = Point(
            id=sum(name.encode()),
            device=name,
            metric="temperature",
            unit="Cel",
            possible_low=-90,
            possible_high=90,
        )
        return Device(
            id=name,
            kind=kind,
            enterprise="e",
            site="s",
            interval_us=1,
            profile="p",
            behind=behind,
            token_sha256=token_sha256("token"),
            points=(point,) if kind == "probe" else (),
            **fields,
        )

    def join(self) -> tuple[Connection, FakeTransport]:
        connection, transport = Connection(self.gateway), FakeTransport()
        connection.connection_made(transport)
        return connection, transport

    async def sign_in(self, name: str, version: int = 4) -> tuple[Connection, FakeTransport]:
        connection, transport = self.join()
        connection.data_received(connect(version, name, "token"))
        await settle()
        assert transport.take()[3] == 0
        return connection, transport

    def packs(self) -> list[tuple[int, bytes]]:
        return [(s.partition, s.rows[0][1]) for s in self.producer.under_way if s.topic == "readings"]


async def settle() -> None:
    """Lets everything that is ready run."""
    for _ in range(10):
        await asyncio.sleep(0)
