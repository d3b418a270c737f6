"""From admitted messages to Kafka's confirmation: lanes, their packs under way, and images into the store. Edge.

Nothing here is dropped: a ticket is reported complete when every pack, record and image it waits for is safe.
"""

import asyncio
import hashlib
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

import msgspec
import structlog

from ingest.evidence import Evidence
from ingest.folded import Folding
from ingest.packer import Batch, Pack, PackLane, Record, RecordLane, Ticket, settle
from ingest.producer import Row
from schemas.frame import FrameReference, encode_frame
from schemas.reading import HEADER_COUNT, PACK_MAX_BYTES
from schemas.rejection import HEADER, HEADER_STORED, Rejection, encode_rejection
from schemas.result import Result, encode_result
from schemas.topics import FRAMES, READINGS, REJECTIONS, RESULTS, Topic, partition_of

BATCH_MAX_BYTES = 900_000
"""Records of one batch; together with their headers below the producer's limit."""
MAX_WORDS = 512
"""Characters kept of a rejection's topic, path and detail: a topic alone may have 65,535 bytes."""
RETRY_S = 1.0
LOOK_S = 0.015
"""Between departures when much waits."""
SPACING_S = 0.050
"""Between departures otherwise. A departure costs Kafka, the judge and the database as much as hundreds of readings,
however little it carries (docs/decisions/0007); what comes after a quiet moment leaves at once all the same."""
TIMER_S = 0.001
"""A timer may come so much early."""
MUCH_BYTES = 64 * 1024
"""So much waiting on all partitions leaves at the next look: about 700 lines."""

log = structlog.get_logger()


class Sends(Protocol):
    """What delivery needs of a producer: returns when the batch is confirmed, however long it takes."""

    async def send(self, topic: str, partition: int, rows: list[Row]) -> None: ...


class Delivery:
    """`completed` is called with tickets that wait for nothing more; `sent` with each pack's seconds under way."""

    def __init__(
        self,
        producer: Sends,
        evidence: Evidence,
        prefix: str,
        run: str,
        completed: Callable[[list[Ticket]], None],
        sent: Callable[[float], None] = lambda seconds: None,
        spacing_s: float = SPACING_S,
        retry_s: float = RETRY_S,
    ) -> None:
        self._producer = producer
        self._evidence = evidence
        self._prefix = prefix
        self._run = run.encode()
        self._completed = completed
        self._sent = sent
        self._spacing_s = spacing_s
        self._retry_s = retry_s
        self.lanes = [PackLane(PACK_MAX_BYTES) for _ in range(READINGS.partitions)]
        self._record_lanes = {
            topic.name: [RecordLane(BATCH_MAX_BYTES) for _ in range(topic.partitions)]
            for topic in (RESULTS, FRAMES, REJECTIONS)
        }
        self._stores = [ThreadPoolExecutor(1, f"evidence-{n}") for n in range(FRAMES.partitions)]
        self._folding = Folding()
        self._tasks: set[asyncio.Task[None]] = set()
        self._since: dict[object, float] = {}
        self._departure: asyncio.Handle | None = None
        self._departed_s = float("-inf")
        self.failure: BaseException | None = None

    # ------------------------------------------------------------------ in

    def add_result(self, result: Result, ticket: Ticket) -> None:
        record = Record(result.device.encode(), encode_result(result), (_count(1),))
        self._add(RESULTS, result.device, record, ticket)

    def add_frame(self, frame: FrameReference, image: bytes, ticket: Ticket) -> None:
        """The image goes to the evidence store first, its reference to Kafka when it is safe there."""
        record = Record(frame.camera.encode(), encode_frame(frame), (_count(1),))
        self._store_first(FRAMES, frame.camera, frame.sha256, image, record, ticket)

    def add_rejection(self, rejection: Rejection, raw: bytes, ticket: Ticket) -> None:
        """The raw bytes with their reason; large ones by way of the evidence store. Many of a device are folded."""
        device = rejection.device
        if len(raw) <= PACK_MAX_BYTES:
            if not self._folding.take(rejection, raw, ticket, time.monotonic()):
                self._add(REJECTIONS, device, _refused(rejection, raw), ticket)
            return
        headers = _refused(rejection, b"").headers
        sha256 = hashlib.sha256(raw).hexdigest()
        record = Record(device.encode(), b"", (*headers, (HEADER_STORED, sha256.encode())))
        self._store_first(REJECTIONS, device, sha256, raw, record, ticket)

    def _add(self, topic: Topic, device: str, record: Record, ticket: Ticket) -> None:
        self._record_lanes[topic.name][partition_of(device, topic.partitions)].add(record, ticket)

    def _store_first(
        self, topic: Topic, device: str, sha256: str, data: bytes, record: Record, ticket: Ticket
    ) -> None:
        ticket.pending += 1
        self._spawn(self._store(topic, device, sha256, data, record, ticket))

    async def _store(
        self, topic: Topic, device: str, sha256: str, data: bytes, record: Record, ticket: Ticket
    ) -> None:
        # One thread per partition keeps a camera's frames in order.
        store = self._stores[partition_of(device, len(self._stores))]
        key = object()
        self._since[key] = time.monotonic()
        while True:
            try:
                await asyncio.get_running_loop().run_in_executor(store, self._evidence.put, sha256, data)
                break
            except OSError as error:
                log.error("evidence_not_written", sha256=sha256, error=str(error), again_s=self._retry_s)
                await asyncio.sleep(self._retry_s)
        del self._since[key]
        self._add(topic, device, record, ticket)
        self.flush()
        done = settle((ticket,))
        if done:
            self._completed(done)

    # ------------------------------------------------------------------ out

    def flush(self) -> None:
        """Sends what waits on partitions with nothing under way: at the end of this turn after a quiet moment, else
        SPACING_S after the departure before it, or LOOK_S when much waits.
        """
        if self._departure is None:
            self._plan(min(LOOK_S, self._spacing_s))

    def _plan(self, after_s: float) -> None:
        """A look so long after the last departure, instead of the one that was planned."""
        if self._departure is not None:
            self._departure.cancel()
        loop = asyncio.get_running_loop()
        delay_s = self._departed_s + after_s - loop.time()
        self._departure = loop.call_later(delay_s, self._look) if delay_s > 0 else loop.call_soon(self._look)

    def _look(self) -> None:
        """Departs when it is time or much waits."""
        quiet_s = asyncio.get_running_loop().time() - self._departed_s
        if quiet_s >= self._spacing_s - TIMER_S or sum(lane.size for lane in self.lanes) >= MUCH_BYTES:
            self._depart()
        else:
            self._plan(self._spacing_s)

    def _depart(self) -> None:
        self._departure = None
        self._departed_s = asyncio.get_running_loop().time()
        for fold in self._folding.leave():
            kept = msgspec.structs.replace(fold.rejection, count=fold.count)
            lane_of = partition_of(kept.device, REJECTIONS.partitions)
            self._record_lanes[REJECTIONS.name][lane_of].put(_refused(kept, fold.raw), fold.tickets)
        for partition, lane in enumerate(self.lanes):
            if (pack := lane.take()) is not None:
                self._spawn(self._send_pack(partition, lane, pack))
        for name, lanes in self._record_lanes.items():
            for partition, records in enumerate(lanes):
                if (batch := records.take()) is not None:
                    self._spawn(self._send_batch(name, partition, records, batch))

    async def _send_pack(self, partition: int, lane: PackLane, pack: Pack) -> None:
        started_s = self._since[lane] = time.monotonic()
        row: Row = (None, b"".join(pack.lines), pack.headers(self._run))
        await self._producer.send(self._prefix + READINGS.name, partition, [row])
        self._sent(time.monotonic() - started_s)
        self._confirmed(lane)

    async def _send_batch(self, name: str, partition: int, lane: RecordLane, batch: Batch) -> None:
        self._since[lane] = time.monotonic()
        rows: list[Row] = [(record.key, record.value, record.headers) for record in batch.records]
        await self._producer.send(self._prefix + name, partition, rows)
        self._confirmed(lane)

    def _confirmed(self, lane: PackLane | RecordLane) -> None:
        del self._since[lane]
        self._completed(lane.confirm())
        if lane.waiting:
            self._plan(min(LOOK_S, self._spacing_s))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.failure = self.failure or error
            log.error("delivery_broken", exc_info=error)

    # ------------------------------------------------------------------ state

    async def drained(self, limit_s: float) -> bool:
        """Sends all that waits; returns when nothing is under way any more, or False when the limit came first."""
        until_s = time.monotonic() + limit_s
        self._spacing_s = 0.0
        self._depart()
        while (left_s := until_s - time.monotonic()) > 0:
            if self._tasks:
                await asyncio.wait(self._tasks, timeout=left_s)
            elif self._departure is not None:
                await asyncio.sleep(0)
            else:
                return True
        return False

    def oldest_s(self, now_s: float) -> float:
        """How long the oldest pack, batch or image has been under way."""
        return now_s - min(self._since.values(), default=now_s)

    def close(self) -> None:
        """Gives up what is still under way; nothing of it was acknowledged."""
        if self._departure is not None:
            self._departure.cancel()
        for task in self._tasks:
            task.cancel()
        for store in self._stores:
            store.shutdown(wait=False, cancel_futures=True)


def _refused(rejection: Rejection, raw: bytes) -> Record:
    headers = (_count(rejection.count), (HEADER, encode_rejection(shortened(rejection))))
    return Record(rejection.device.encode(), raw, headers)


def _count(values: int) -> tuple[str, bytes]:
    return (HEADER_COUNT, b"%d" % values)


def shortened(rejection: Rejection) -> Rejection:
    """The same refusal with words of bounded length."""
    if max(len(rejection.topic), len(rejection.path), len(rejection.detail)) <= MAX_WORDS:
        return rejection
    return msgspec.structs.replace(
        rejection,
        topic=rejection.topic[:MAX_WORDS],
        path=rejection.path[:MAX_WORDS],
        detail=rejection.detail[:MAX_WORDS],
    )
