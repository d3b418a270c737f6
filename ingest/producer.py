"""The gateway's way into Kafka: a pack or batch is given until it is confirmed by all replicas. Edge.

aiokafka with acks=all and idempotence. What fails is sent again, the same bytes; an error after which the
idempotent producer cannot go on (its sequence numbers no longer fit) makes a new producer first.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaTimeoutError

from schemas.errors import Temporary

MAX_REQUEST_BYTES = 1_000_000
"""Just below the topics' limit (1 MiB): the client refuses first, before a sequence number is used."""
FIRST_DELAY_S = 0.2
MAX_DELAY_S = 5.0

Headers = Iterable[tuple[str, bytes]]
Row = tuple[bytes | None, bytes, Headers]
"""Key, value and headers of one record."""

log = structlog.get_logger()


class Producer:
    """Sends batches; one outstanding per topic and partition is the caller's part. Building connects nothing.

    kafka: how it is reached, as aiokafka's keyword arguments.
    errors: counted by name for the metrics. connected: a producer stands and its last batch went through.
    """

    def __init__(
        self,
        kafka: Mapping[str, Any],
        request_timeout_s: float = 40.0,
        failed: Callable[[str], None] = lambda name: None,
    ) -> None:
        self._kafka = kafka
        self._timeout_s = request_timeout_s
        self._failed = failed
        self._producer: AIOKafkaProducer | None = None
        self._making = asyncio.Lock()
        self._broken: asyncio.Future[None] | None = None
        self.connected = False

    async def send(self, topic: str, partition: int, rows: Iterable[Row]) -> None:
        """Returns when Kafka has confirmed; tries for ever, the same records in the same batch.

        Only cancelling ends it early: then nothing is known of the batch.
        """
        rows = list(rows)
        delay_s = FIRST_DELAY_S
        while True:
            producer = await self._standing()
            try:
                await self._send_once(producer, topic, partition, rows)
                self.connected = True
                return
            except Exception as error:  # whatever it is, the records are still in our hands
                self.connected = False
                self._failed(type(error).__name__)
                log.warning(
                    "kafka_send_failed", topic=topic, partition=partition, error=repr(error), again_s=delay_s
                )
                if not isinstance(error, KafkaTimeoutError | Temporary):
                    await self._discard(producer)
            await asyncio.sleep(delay_s)
            delay_s = min(delay_s * 2, MAX_DELAY_S)

    async def _send_once(
        self, producer: AIOKafkaProducer, topic: str, partition: int, rows: list[Row]
    ) -> None:
        batch = producer.create_batch()
        for key, value, headers in rows:
            if batch.append(timestamp=None, key=key, value=value, headers=list(headers)) is None:
                raise ValueError(f"batch above {MAX_REQUEST_BYTES} bytes for {topic}")
        batch.close()
        broken = self._broken
        confirmed = await producer.send_batch(batch, topic, partition=partition)
        if broken is None:
            await confirmed
            return
        await asyncio.wait({confirmed, broken}, return_when=asyncio.FIRST_COMPLETED)
        if not confirmed.done():
            confirmed.add_done_callback(_forget)
            raise Temporary("the producer was rebuilt")
        confirmed.result()

    async def _standing(self) -> AIOKafkaProducer:
        """The producer, made anew when there is none; waits for as long as Kafka is away."""
        if self._producer is not None:
            return self._producer
        async with self._making:
            delay_s = FIRST_DELAY_S
            while self._producer is None:
                producer = self._build()
                try:
                    await producer.start()
                    self._producer = producer
                    self._broken = asyncio.get_running_loop().create_future()
                    self.connected = True
                except BaseException as error:
                    await _stop(producer, self._timeout_s)
                    if not isinstance(error, Exception):
                        raise
                    self._failed(type(error).__name__)
                    log.warning("kafka_unreachable", error=repr(error), again_s=delay_s)
                    await asyncio.sleep(delay_s)
                    delay_s = min(delay_s * 2, MAX_DELAY_S)
            return self._producer

    def _build(self) -> AIOKafkaProducer:
        return AIOKafkaProducer(
            **self._kafka,
            client_id="coldwatch-gateway",
            acks="all",
            enable_idempotence=True,
            max_request_size=MAX_REQUEST_BYTES,
            max_batch_size=MAX_REQUEST_BYTES,
            request_timeout_ms=int(self._timeout_s * 1000),
            retry_backoff_ms=200,
            linger_ms=0,
        )

    async def _discard(self, producer: AIOKafkaProducer) -> None:
        """Gives a producer up whose state cannot be trusted; who waits on it sends again by the next one."""
        async with self._making:
            if self._producer is not producer:
                return
            self._producer = None
            log.warning("kafka_producer_rebuilt")
            await _stop(producer, self._timeout_s)
            if self._broken is not None and not self._broken.done():
                self._broken.set_result(None)

    async def start(self) -> None:
        """Connects; returns when Kafka has answered."""
        await self._standing()

    async def answers(self, limit_s: float = 5.0) -> bool:
        """Whether Kafka answers at all, asked beside what is under way."""
        if self._producer is None:
            return False
        try:
            return bool(await asyncio.wait_for(self._producer.client.force_metadata_update(), limit_s))
        except Exception:  # any failure is the answer "no"
            return False

    async def stop(self, limit_s: float = 5.0) -> None:
        """Closes; what is still under way is given up after `limit_s`."""
        producer, self._producer = self._producer, None
        self.connected = False
        if producer is not None:
            await _stop(producer, limit_s)


async def _stop(producer: AIOKafkaProducer, limit_s: float) -> None:
    """Closes a producer that may be in any state, within a limit."""
    started = time.monotonic()
    with contextlib.suppress(Exception):
        await asyncio.wait_for(producer.stop(), limit_s)
    if time.monotonic() - started >= limit_s:
        with contextlib.suppress(Exception):
            await asyncio.wait_for(producer.client.close(), 1.0)


def _forget(future: "asyncio.Future[object]") -> None:
    """Takes note of a late outcome, so that asyncio does not report it as never looked at."""
    if not future.cancelled():
        future.exception()
