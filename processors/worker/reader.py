"""Faust's Kafka consumer as we use it: it reads from where the database says, waits at the broker, and hands over
all records of a topic that one fetch has brought as one message of Faust's, a look.

Faust takes about 0.1 ms for a message, whatever is in it, and a fetch brings a pack of each of eight partitions.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import faust
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread
from faust.transport.drivers.aiokafka import Consumer as KafkaConsumer
from faust.types import TP
from faust.types.transports import SchedulingStrategyT

QUIET_FETCH_MS: Final = 1000
"""How long a fetch of every partition waits at the broker: the first record of any of them ends it."""
BUSY_FETCH_MS: Final = 20
"""The same while some partitions are left out, because their records have not been taken yet."""


class Looks(SchedulingStrategyT):  # type: ignore[misc]
    """Faust's order of a fetch's records: one item per topic, under the partition of its first record."""

    def iterate(self, records: Mapping[TP, Sequence[Any]]) -> Iterator[tuple[TP, list[Any]]]:
        looks: dict[str, tuple[TP, list[Any]]] = {}
        for tp, found in records.items():
            if found:
                looks.setdefault(tp.topic, (tp, []))[1].extend(found)
        return iter(looks.values())


class PatientThread(AIOKafkaConsumerThread):  # type: ignore[misc]
    """Faust's consumer thread, but how long a fetch waits at the broker depends on what it asks for.

    aiokafka has one fetch under way per broker and leaves out partitions whose records are not taken yet. While the
    writer is busy that fetch may hold quiet partitions alone, and the busy ones wait until it returns: 1.4 s at the
    median under load with Faust's own 1.5 s. A fetch of all partitions may wait as long as it likes.
    """

    async def on_start(self) -> None:
        await super().on_start()
        fetcher = self._consumer._fetcher
        fetcher._fetcher_timeout = QUIET_FETCH_MS / 1000  # its unasked look round; what comes wakes it
        actions = fetcher._get_actions_per_node

        def patient(assignment: Any) -> Any:
            fetcher._fetch_max_wait_ms = BUSY_FETCH_MS if fetcher._records else QUIET_FETCH_MS
            return actions(assignment)

        fetcher._get_actions_per_node = patient


def claiming_consumer(
    claim: Callable[[KafkaConsumer], Awaitable[Mapping[TP, int]]], fatal: Callable[[BaseException], Any]
) -> type[KafkaConsumer]:
    """Faust's consumer with `claim` in place of the group's committed offsets; what claim raises is fatal."""

    class ClaimingConsumer(KafkaConsumer):  # type: ignore[misc]
        def _new_consumer_thread(self) -> PatientThread:
            return PatientThread(self, loop=self.loop, beacon=self.beacon)

        def _to_message(self, tp: TP, record: list[Any]) -> Any:
            """A message of the look's first record; `look` has them all."""
            message = super()._to_message(tp, record[0])
            message.look = record
            return message

        def on_buffer_full(self, tp: TP) -> None:
            """Does nothing: a full queue holds the reader back as it is.

            Faust's own way leaves the partition out of the next look, which then waits up to a second for the quiet
            ones: 0.7 s at p95 with 800 packs/s.
            """

        async def seek_to_committed(self) -> Mapping[TP, int]:
            try:
                return await claim(self)
            except asyncio.CancelledError:
                raise
            except BaseException as error:
                fatal(error)
                raise

    return ClaimingConsumer


def credentials(options: Mapping[str, Any]) -> Any:
    """Faust's words for what aiokafka's keyword arguments say about TLS and SASL; None for neither."""
    if "sasl_mechanism" in options:
        return faust.SASLCredentials(
            username=options["sasl_plain_username"],
            password=options["sasl_plain_password"],
            mechanism=options["sasl_mechanism"],
            ssl_context=options.get("ssl_context"),
        )
    return faust.SSLCredentials(options["ssl_context"]) if "ssl_context" in options else None
