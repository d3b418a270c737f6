"""The MQTT front door as a process: opens its connections, runs until SIGTERM, stops in order."""

import asyncio
import contextlib
import gc
import resource
import secrets
import signal
import time
from functools import partial

import structlog
import uvloop
from prometheus_client import CollectorRegistry

from coldwatch.wiring import kafka
from coldwatch.wiring.connections import connect_database
from coldwatch.wiring.health import HealthServer
from coldwatch.wiring.notices import NoticeReader
from ingest.evidence import DirectoryEvidence
from ingest.mqtt.metrics import Metrics, StateCollector
from ingest.mqtt.server import Server
from ingest.producer import Producer
from ingest.refusals import Refusals, RefusalWriter
from ingest.registry import RegistryCache
from ingest.registry_watch import RegistryWatch
from schemas.settings import Settings

STUCK_S = 120.0
"""A pack under way for so long while Kafka answers means that we are stuck ourselves."""
SLOW_S = 5.0
"""A pack under way for so long means: not ready."""
BEAT_S = 30.0
LAST_WRITE_S = 1.0
FILES_APART = 500
"""Files beside the devices' sockets: logs, database, Kafka, libraries."""

log = structlog.get_logger()


def run(settings: Settings) -> int:
    """Serves until SIGTERM or SIGINT; 0 when asked to stop, 1 when something broke that a restart may mend."""
    _raise_file_limit(settings.gateway.max_connections)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_serve(settings))


async def _serve(settings: Settings) -> int:
    service = Service(settings)
    try:
        await service.start()
        return await service.wait()
    finally:
        await service.stop()


class Service:
    """The gateway with its surroundings; building it opens nothing."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._metrics_registry = CollectorRegistry()
        metrics = Metrics(self._metrics_registry)
        connect = partial(connect_database, settings.database.pipeline_url, settings.database, "gateway")
        run_id = f"{int(time.time())}-{secrets.token_hex(4)}"
        refusals = Refusals(settings.gateway.slow_after_refusals, settings.gateway.slow_s)
        cache = RegistryCache()
        self._producer = Producer(
            kafka.options(settings.kafka),
            settings.kafka.request_timeout_s,
            lambda name: metrics.kafka_errors.labels(name).inc(),
        )
        self.gateway = Server(
            settings.gateway,
            cache,
            refusals,
            metrics,
            run_id,
            self._producer,
            DirectoryEvidence(settings.evidence_directory()),
            settings.kafka.prefix,
        )
        self._delivery = self.gateway.delivery
        self._watch = RegistryWatch(
            cache,
            connect,
            settings.gateway.registry_refresh_s,
            self.gateway.registry_changed,
        )
        self.gateway.signing_in.look_up = self._watch.look_up
        self.gateway.signing_in.known = lambda: self._watch.fresh
        self._refusal_writer = RefusalWriter(refusals, connect)
        self._notices = NoticeReader(settings.kafka, self.gateway.notices.tell)
        self._health = HealthServer(
            (settings.health_host, settings.gateway.health_port),
            self._ready,
            self._healthy,
            self._metrics_registry,
        )
        self._metrics_registry.register(StateCollector(self.gateway.gauges, self.gateway.counters))
        self._tasks: list[asyncio.Task[None]] = []
        self._stop = asyncio.Event()
        self._kafka_answers_s = float("-inf")

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        health_port = self._health.start()
        for work in (
            self._producer.start(),
            self._watch.run(),
            self.gateway.run_clock(),
            self._refusal_writer.run(),
            self._notices.run(),
            self._probe(),
        ):
            self._tasks.append(loop.create_task(work))
        await self._first_registry()
        port = await self.gateway.listen(self._settings.gateway.host, self._settings.gateway.port)
        # What exists now stays: the collector need not look at it again, and looks at the rest less often.
        gc.collect()
        gc.freeze()
        gc.set_threshold(20_000, 20, 50)
        log.info("listening", host=self._settings.gateway.host, port=port, health_port=health_port)

    async def _first_registry(self) -> None:
        """Devices that call at once should not be told "unavailable" because we were quicker than the database."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._watch.loaded.wait(), SLOW_S)

    async def wait(self) -> int:
        """Until asked to stop (0), or until a part has ended that never should (1)."""
        stop = asyncio.get_running_loop().create_task(self._stop.wait())
        while True:
            running = [task for task in self._tasks if not task.done()]
            await asyncio.wait([stop, *running], timeout=1.0, return_when=asyncio.FIRST_COMPLETED)
            if stop.done():
                return 0
            broken = [
                task.exception() for task in self._tasks if task.done() and task.exception() is not None
            ]
            if self._delivery.failure is not None:
                broken.append(self._delivery.failure)
            if broken:
                log.error("gateway_broken", exc_info=broken[0])
                stop.cancel()
                return 1

    async def stop(self) -> None:
        log.info("stopping")
        await self.gateway.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._delivery.close()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._refusal_writer.write(), LAST_WRITE_S)
        await self._producer.stop(1.0)
        self._watch.close()
        self._refusal_writer.close()
        self._health.stop()

    # ------------------------------------------------------------------ health

    async def _probe(self) -> None:
        """Asks Kafka whether it is there, when packs wait for long: an outage is not our fault, being stuck is."""
        while True:
            await asyncio.sleep(5.0)
            if self._delivery.oldest_s(time.monotonic()) > SLOW_S and await self._producer.answers():
                self._kafka_answers_s = time.monotonic()

    def _ready(self) -> str:
        if not self._watch.loaded.is_set():
            return "the registry has not been read yet (is the database there?)"
        if not self._producer.connected:
            return "Kafka cannot be reached"
        if self._delivery.oldest_s(time.monotonic()) > SLOW_S:
            return "Kafka does not confirm"
        return ""

    def _healthy(self) -> str:
        now_s = time.monotonic()
        if now_s - self.gateway.beat_s > BEAT_S:
            return f"the event loop has stood still for {now_s - self.gateway.beat_s:.0f} s"
        if self._delivery.oldest_s(now_s) > STUCK_S and now_s - self._kafka_answers_s < BEAT_S:
            return "a pack is stuck although Kafka answers"
        return ""


def _raise_file_limit(connections: int) -> None:
    """One file per connection; says so when the system does not allow as many."""
    wanted = connections + FILES_APART
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft >= wanted:
        return
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, max(hard, wanted)))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        log.warning("file_limit_low", open_files=hard, wanted=wanted, remedy="raise LimitNOFILE or ulimit -n")
