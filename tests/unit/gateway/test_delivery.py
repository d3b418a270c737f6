"""Delivery: departures are spaced, nothing that waits is forgotten, a full disk is waited for."""

import asyncio
import hashlib

from ingest import delivery
from ingest.delivery import Delivery
from ingest.evidence import MemoryEvidence
from ingest.packer import Ticket
from ingest.producer_memory import MemoryProducer
from schemas.reading import reading_line
from schemas.rejection import HEADER, HEADER_STORED, Rejection, decode_rejection

LINE = reading_line(1, 1, 1, 4.5, 1, 1)


class FullDisk(MemoryEvidence):
    """Takes nothing for the first `times` attempts."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.times = times

    def put(self, sha256: str, data: bytes) -> None:
        self.times -= 1
        if self.times >= 0:
            raise OSError(28, "No space left on device")
        super().put(sha256, data)


def add(to: Delivery, partition: int = 0) -> Ticket:
    ticket = Ticket()
    to.lanes[partition].add(LINE, 1, ticket)
    ticket.pending -= 1
    to.flush()
    return ticket


async def turns(count: int = 10) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_the_first_leaves_at_once_and_the_next_after_the_spacing() -> None:
    producer, done = MemoryProducer(), list[Ticket]()
    built = Delivery(producer, MemoryEvidence(), "", "run", done.extend, spacing_s=3600)
    first = add(built)
    await turns()
    producer.confirm()
    await turns()
    assert done == [first]
    second = add(built)
    await turns()
    assert producer.under_way == []
    draining = asyncio.create_task(built.drained(30))
    await turns()
    producer.confirm()
    assert await draining
    assert done == [first, second]
    built.close()


async def test_much_that_waits_leaves_at_the_next_look() -> None:
    producer, safe = MemoryProducer(automatic=True), asyncio.Event()
    built = Delivery(producer, MemoryEvidence(), "", "run", lambda tickets: safe.set(), spacing_s=3600)
    add(built)
    await safe.wait()
    safe.clear()
    for _ in range(delivery.MUCH_BYTES // len(LINE) + 1):
        add(built, 3)
    await asyncio.wait_for(safe.wait(), 30)
    assert [sent.partition for sent in producer.log] == [0, 3]
    built.close()


async def test_draining_takes_what_waits_behind_what_is_under_way() -> None:
    producer, done = MemoryProducer(), list[Ticket]()
    built = Delivery(producer, MemoryEvidence(), "", "run", done.extend, spacing_s=3600)
    tickets = [add(built)]
    await turns()
    tickets += [add(built), add(built, 5)]
    producer.automatic = True
    draining = asyncio.create_task(built.drained(30))
    await turns()
    producer.confirm()
    assert await draining
    assert set(done) == set(tickets)
    assert [sent.partition for sent in producer.log] == [5, 0, 0]
    built.close()


async def test_draining_gives_up_at_its_limit() -> None:
    built = Delivery(MemoryProducer(), MemoryEvidence(), "", "run", lambda tickets: None)
    add(built)
    assert not await built.drained(0.01)
    built.close()


async def test_a_large_refused_payload_waits_for_the_disk_and_then_names_its_file() -> None:
    producer, done, disk = MemoryProducer(automatic=True), list[Ticket](), FullDisk(2)
    built = Delivery(producer, disk, "p-", "run", done.extend, retry_s=0.0)
    raw, ticket = b"x" * 600_000, Ticket()
    rejection = Rejection(code="bad_image", device="cam", topic="t" * 5000, detail="d" * 5000)
    built.add_rejection(rejection, raw, ticket)
    ticket.pending -= 1
    assert await built.drained(30)
    assert done == [ticket]
    (sent,) = producer.log
    ((key, value, headers),) = sent.rows
    found = dict(headers)
    sha256 = hashlib.sha256(raw).hexdigest()
    assert (sent.topic, key, value, found[HEADER_STORED]) == ("p-rejections", b"cam", b"", sha256.encode())
    assert disk.get(sha256) == raw
    kept = decode_rejection(found[HEADER])
    assert (len(kept.topic), len(kept.detail)) == (delivery.MAX_WORDS, delivery.MAX_WORDS)
    built.close()
