"""The producer's twin in memory: batches wait until they are confirmed by hand. For tests and simulation."""

import asyncio
from collections.abc import Iterable

import msgspec

from ingest.producer import Row


class Sent(msgspec.Struct):
    """A batch on its way. Set `confirmed` to let its sender go on."""

    topic: str
    partition: int
    rows: list[Row]
    confirmed: "asyncio.Future[None]"


class MemoryProducer:
    """`under_way` holds what waits, `log` what was confirmed, in order. `automatic`: confirms at once."""

    def __init__(self, automatic: bool = False) -> None:
        self.automatic = automatic
        self.under_way: list[Sent] = []
        self.log: list[Sent] = []

    async def send(self, topic: str, partition: int, rows: Iterable[Row]) -> None:
        sent = Sent(topic, partition, list(rows), asyncio.get_running_loop().create_future())
        if not self.automatic:
            self.under_way.append(sent)
            await sent.confirmed
        self.log.append(sent)

    def confirm(self, *partitions: int) -> None:
        """Confirms what is under way in these partitions, everywhere when none is named."""
        for sent in list(self.under_way):
            if not partitions or sent.partition in partitions:
                self.under_way.remove(sent)
                sent.confirmed.set_result(None)
