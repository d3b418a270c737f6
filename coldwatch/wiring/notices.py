"""What was refused behind Kafka, read from its topic and told to the devices that listen at this gateway. Edge.

Every gateway reads every notice, from now on and without a group: who listens where is known to each of them alone.
"""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec
import structlog
from aiokafka.errors import KafkaError

from coldwatch.wiring import kafka
from schemas.rejection import Rejection, decode_rejection
from schemas.settings import KafkaSettings
from schemas.topics import NOTICES

if TYPE_CHECKING:
    from aiokafka import AIOKafkaConsumer

AGAIN_S = 2.0
FETCH_WAITS_MS = 5_000


class NoticeReader:
    """`tell` hears of each rejection, in the loop."""

    def __init__(self, settings: KafkaSettings, tell: Callable[[Rejection], None]) -> None:
        self._settings = settings
        self._tell = tell
        self.reading = asyncio.Event()
        """Set once it stands at the topic's end: what comes from then on is told."""

    async def run(self) -> None:
        """Until cancelled. While Kafka is away devices hear nothing from behind it; the page says it all the same."""
        while True:
            consumer = kafka.async_consumer(
                self._settings, self._settings.prefix + NOTICES.name, "gateway-notices",
                auto_offset_reset="latest", fetch_max_wait_ms=FETCH_WAITS_MS,
            )  # fmt: skip
            try:
                await self._read(consumer)
            except KafkaError as error:
                structlog.get_logger().warning("notices_wait", reason=f"{type(error).__name__}: {error}")
                await asyncio.sleep(AGAIN_S)
            finally:
                self.reading.clear()
                await consumer.stop()

    async def _read(self, consumer: "AIOKafkaConsumer") -> None:
        await consumer.start()
        for partition in consumer.assignment():
            await consumer.position(partition)
        self.reading.set()
        async for record in consumer:
            try:
                self._tell(decode_rejection(record.value or b""))
            except (msgspec.DecodeError, KeyError) as error:
                structlog.get_logger().warning("no_notice", position=record.offset, reason=str(error))
