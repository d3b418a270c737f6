"""The Faust worker, the only file that imports faust: records of the handler's topics in batches, on our own offsets.

How a handler is written (see `processors.judge.handler.Judge`; all four run in the one writer thread, never at once):

    topics            the Topics of `schemas.topics` it reads
    claim(starts, topic_ids) -> (seek, next)
                      makes the partitions ours in the database. starts: {Place: first offset of the log};
                      seek: where to read each from (its checkpoint), next: what is committed already.
                      `Offsets.claim` and `Slots.claimed` of `processors.worker.partitions` do nearly all of it.
    handle(records) -> bool
                      one batch of `processors.worker.work.Record`, in order per partition: judge once, write in one
                      transaction (`Offsets.batch`), retry in place while the database is away
                      (`processors.worker.patience`). True when findings were committed: they are drained at once.
                      Raising ends the process.
    idle(), stop()    once a second between batches (True when findings were committed); at a clean end.
    notices           what was refused, for the devices: sent on to the gateways, at most once.
    patience          its `trouble` says what is missing; `stop()` ends a retry.

Kafka's group only deals out partitions, and nothing is committed to it. Where to read is the database's word:
`seek_to_committed` claims and seeks. An agent's body never raises: Faust would go on with the next.
"""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, NoReturn, Protocol

import faust
import structlog
from faust.transport.drivers.aiokafka import Consumer as KafkaConsumer
from faust.types import TP

from processors.worker.drain import Drain
from processors.worker.offsets import Unsent
from processors.worker.partitions import check_end
from processors.worker.patience import Patience
from processors.worker.reader import Looks, claiming_consumer, credentials
from processors.worker.watchdog import Watchdog
from processors.worker.work import Place, Record
from schemas.errors import ColdwatchError, Permanent, Temporary
from schemas.rejection import Rejection
from schemas.settings import Settings
from schemas.topics import Topic

WATCH_EVERY_S = 5.0
STOP_WITHIN_S = 15.0


class Handler(Protocol):
    @property
    def topics(self) -> tuple[Topic, ...]: ...
    @property
    def patience(self) -> Patience: ...
    def claim(
        self, starts: dict[Place, int], topic_ids: dict[str, str]
    ) -> tuple[dict[Place, int], dict[Place, int]]: ...
    def handle(self, records: Sequence[Record]) -> bool: ...
    @property
    def notices(self) -> deque[Rejection]: ...
    def idle(self) -> bool: ...
    def stop(self) -> None: ...


class Kafka(Protocol):
    """What the worker asks of Kafka beside Faust; the front door gives it."""

    def options(self) -> Mapping[str, Any]: ...
    def topic_ids(self, topics: Sequence[str]) -> dict[str, str]: ...
    def ends(self, places: Sequence[Place]) -> dict[Place, int]: ...
    def producer(self) -> Any: ...


class Worker:
    """One process of a role. `run` blocks until SIGTERM or SIGINT; `fatal` never returns."""

    def __init__(
        self,
        settings: Settings,
        role: str,
        handler: Handler,
        kafka: Kafka,
        unsent: Unsent,
        fatal: Callable[[BaseException], NoReturn],
    ) -> None:
        self._settings = settings
        self._handler = handler
        self._kafka = kafka
        self._fatal = fatal
        self._names = [settings.kafka.prefix + topic.name for topic in handler.topics]
        self._writer = ThreadPoolExecutor(1, f"{role}-writer")
        self._sender = ThreadPoolExecutor(1, f"{role}-sender")
        self._positions: dict[Place, int] = {}
        self._claimed = False
        self._owning = False
        self._watchdog = Watchdog(kafka.ends, lambda: bool(handler.patience.trouble))
        self._stuck = ""
        self._drain: Drain | None = None
        self._unsent = unsent
        self.app = self._build(role)

    # ------------------------------------------------------------------ seen by the health server

    def ready(self) -> str:
        """Empty when partitions are claimed and the database answers, else what is missing."""
        if not self._claimed:
            return "no partitions claimed yet"
        return self._handler.patience.trouble

    def healthy(self) -> str:
        """Empty while records that wait are worked on."""
        return self._stuck

    # ------------------------------------------------------------------ life

    def run(self) -> int:
        """Runs Faust's worker in this process; returns the exit code."""
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        worker = faust.Worker(self.app, quiet=True, override_logging=False, redirect_stdouts=False, loop=loop)
        worker.spinner = None
        try:
            worker.execute_from_commandline()
        except SystemExit as end:
            return int(end.code or 0)
        return 0

    def _build(self, role: str) -> faust.App:
        s = self._settings
        datadir = s.home / "faust" / role
        datadir.mkdir(parents=True, exist_ok=True)
        app = faust.App(
            f"{s.kafka.prefix}{s.judge.group}-{role}",
            broker=[f"aiokafka://{address.strip()}" for address in s.kafka.bootstrap.split(",")],
            broker_credentials=credentials(self._kafka.options()),
            datadir=str(datadir),
            autodiscover=False,
            web_enabled=False,
            topic_disable_leader=True,
            topic_allow_declare=False,
            value_serializer="raw",
            key_serializer="raw",
            consumer_auto_offset_reset="earliest",
            broker_session_timeout=s.judge.session_timeout_s,
            broker_heartbeat_interval=s.judge.session_timeout_s / 4,
            broker_request_timeout=s.kafka.request_timeout_s,
            stream_buffer_maxsize=1,
            stream_recovery_delay=0.0,
            consumer_max_fetch_size=4 * 1024 * 1024,
            broker_max_poll_records=s.judge.batch_packs,
            ConsumerScheduler=Looks,
        )
        app.transport.Consumer = claiming_consumer(self._claim, self._fatal)
        for topic, name in zip(self._handler.topics, self._names, strict=True):
            channel = app.topic(
                name, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw",
                partitions=topic.partitions, allow_empty=True, acks=False,
            )  # fmt: skip
            app.agent(channel, name=name, concurrency=1)(self._agent)
        app.on_partitions_revoked.connect(self._revoked)
        app.task(self._drain_findings)
        app.task(self._tick)
        return app

    async def _agent(self, stream: Any) -> None:
        """Each event is a look: what a fetch has brought of the topic. Faust's acknowledgements are off."""
        async for event in stream.events():
            began_s = time.monotonic()
            try:
                if self._owning and self._is_current(event.message):
                    await self._handle([_record(record) for record in event.message.look])
            except asyncio.CancelledError:
                raise
            except BaseException as error:
                self._fatal(error)
            await self._rest(began_s, len(event.message.look))

    async def _handle(self, records: list[Record]) -> None:
        made = await asyncio.get_running_loop().run_in_executor(self._writer, self._handler.handle, records)
        if made and self._drain:
            self._drain.wake()
        for record in records:
            if record.place in self._positions:
                self._positions[record.place] = record.position + 1

    async def _rest(self, began_s: float, records: int) -> None:
        """While little comes, batches are spaced, so that several gateways' packs share them."""
        rest_s = began_s + self._settings.judge.batch_spacing_s - time.monotonic()
        if rest_s > 0 and records < self._settings.judge.batch_packs:
            await asyncio.sleep(rest_s)

    def _is_current(self, message: Any) -> bool:
        """Records fetched before the last claim would look like a gap."""
        return bool(message.generation_id == self.app.consumer_generation_id)

    async def _tick(self) -> None:
        while not self.app.should_stop:
            await asyncio.sleep(1.0)
            if not self._owning:
                continue
            try:
                loop = asyncio.get_running_loop()
                if await loop.run_in_executor(self._writer, self._handler.idle) and self._drain:
                    self._drain.wake()
            except asyncio.CancelledError:
                raise
            except BaseException as error:
                self._fatal(error)

    async def _revoked(self, *_: Any, **__: Any) -> None:
        """Partitions are dealt out anew: from here to the next claim nothing is ours, not even to checkpoint.

        What is with the writer is waited for here, before others may claim; what has not come to it yet is dropped.
        """
        self._owning = False
        self._positions = {}
        await asyncio.get_running_loop().run_in_executor(self._writer, lambda: None)

    async def _drain_findings(self) -> None:
        in_sender = partial(asyncio.get_running_loop().run_in_executor, self._sender)
        self._drain = Drain(
            self._unsent, lambda: list(self._positions), self._handler.notices, self._settings.kafka.prefix
        )
        producer = self._kafka.producer()
        try:
            await producer.start()
            await self._drain.run(producer, in_sender)
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            self._fatal(error)
        finally:
            await producer.stop()

    def shut(self) -> None:
        """After `run`: the last checkpoints, so that the next owner has nothing to read again."""
        self._handler.patience.stop()
        try:
            if self._owning:
                self._writer.submit(self._handler.stop).result()
        except (
            ColdwatchError
        ) as error:  # somebody else was quicker, or the database is away: it is read again
            structlog.get_logger().info("no_last_checkpoint", reason=str(error))
        self._writer.shutdown()
        self._sender.shutdown()

    # ------------------------------------------------------------------ claims

    async def _claim(self, consumer: KafkaConsumer) -> Mapping[TP, int]:
        wanted = {tp for tp in consumer.assignment() if tp.topic in self._names}
        earliest = await consumer.earliest_offsets(*wanted) if wanted else {}
        starts = {Place(tp.topic, tp.partition): earliest[tp] for tp in earliest}
        in_writer = partial(asyncio.get_running_loop().run_in_executor, self._writer)
        seek, following = await in_writer(self._claim_in_writer, starts)
        await self._check_ends(consumer, following)
        positions = {TP(*place): position for place, position in seek.items()}
        if positions:
            await consumer.seek_wait(positions)
        self._positions = dict(seek)
        self._claimed = self._owning = True
        if self._drain:
            self._drain.wake()
        structlog.get_logger().info("claimed", partitions=sorted(f"{p.topic}/{p.partition}" for p in seek))
        return positions

    def _claim_in_writer(self, starts: dict[Place, int]) -> tuple[dict[Place, int], dict[Place, int]]:
        return self._handler.claim(starts, self._kafka.topic_ids(self._names))

    async def _check_ends(self, consumer: KafkaConsumer, following: Mapping[Place, int]) -> None:
        """Read after the claim, when nobody else moves `next` any more; a starting broker gets some seconds."""
        for attempt in range(10):
            ends = await consumer.highwaters(*(TP(*place) for place in following)) if following else {}
            try:
                for place, position in following.items():
                    check_end(position, ends[TP(*place)], place)
                return
            except Permanent:
                if attempt == 9:
                    raise
                await asyncio.sleep(0.5)

    # ------------------------------------------------------------------ the watchdog, in a thread of its own

    def _watch(self) -> None:
        """In a thread of its own: it also ends a worker whose loop is blocked or whose stop does not end."""
        looked_s = time.monotonic()
        while not self.app.should_stop:
            time.sleep(1.0)
            if time.monotonic() - looked_s >= WATCH_EVERY_S:
                looked_s = time.monotonic()
                self._look_at_lag()
        self._handler.patience.stop()  # a batch that waits for the database would wait for ever
        time.sleep(STOP_WITHIN_S)
        self._fatal(Temporary(f"did not stop within {STOP_WITHIN_S:.0f} s"))

    def _look_at_lag(self) -> None:
        self._stuck = self._watchdog.look(dict(self._positions))
        if self._stuck:
            self._fatal(Temporary(self._stuck))


def _record(found: Any) -> Record:
    """From aiokafka's ConsumerRecord."""
    return Record(
        Place(found.topic, found.partition),
        found.offset,
        found.value or b"",
        {key: value or b"" for key, value in found.headers},
        (found.timestamp or 0) * 1000,
    )
