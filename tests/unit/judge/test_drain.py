"""Findings leave after their commit, in order, and are marked only when the broker has confirmed them."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from processors.worker.drain import Drain
from processors.worker.memory import MemoryBooks, MemoryUnsent
from processors.worker.patience import Patience
from processors.worker.work import Place
from schemas.errors import Permanent, Temporary
from schemas.finding import Change, Finding, Severity, decode_finding, finding_id
from schemas.rejection import Rejection, decode_rejection
from schemas.topics import FINDINGS, partition_of

PLACE = Place("readings", 0)


class FakeProducer:
    """Confirms at once, or fails as told; keeps what was confirmed."""

    def __init__(self, failures: list[Exception] | None = None) -> None:
        self.sent: list[tuple[bytes, int, Finding]] = []
        self.notices: list[Rejection] = []
        self._failures = failures or []

    async def send(
        self, topic: str, value: bytes, key: bytes, partition: int | None = None
    ) -> "asyncio.Future[None]":
        confirmation: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if topic == "t-notices":
            self.notices.append(decode_rejection(value))
        elif self._failures:
            confirmation.set_exception(self._failures.pop(0))
        else:
            assert partition is not None
            self.sent.append((key, partition, decode_finding(value)))
            confirmation.set_result(None)
        return confirmation


async def in_place(function: Callable[..., Any], *arguments: Any) -> Any:
    return function(*arguments)


def tables_with(number: int) -> MemoryBooks:
    tables = MemoryBooks()
    for n in range(number):
        subject = f"d{n}/temperature"
        finding = Finding(
            id=finding_id(subject, "excursion", 1), version=1, change=Change.OPENED, subject=subject, device=f"d{n}",
            rule="excursion", severity=Severity.ORANGE, start_us=1, measured_us=1, received_us=1,
        )  # fmt: skip
        tables.findings[(finding.id, 1)] = finding
        tables.unsent[(finding.id, 1)] = ("judge", PLACE)
    return tables


async def drained(
    tables: MemoryBooks, producer: FakeProducer, places: list[Place], notices: Sequence[Rejection] = ()
) -> None:
    waiting = deque(notices)
    drain = Drain(MemoryUnsent(tables, "judge"), lambda: places, waiting, "t-")
    task = asyncio.create_task(drain.run(producer, in_place))
    try:
        async with asyncio.timeout(5):
            while (tables.unsent or waiting) and not task.done():  # noqa: ASYNC110
                await asyncio.sleep(0)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    if not task.cancelled():
        task.result()


async def test_notices_for_devices_are_sent_once_and_in_order() -> None:
    producer, refused = FakeProducer(), [Rejection(code="conflict", device=f"d{n}") for n in range(3)]
    await drained(tables_with(1), producer, [PLACE], refused)
    assert producer.notices == refused
    assert len(producer.sent) == 1


async def test_everything_unsent_is_sent_by_subject_and_marked() -> None:
    tables, producer = tables_with(3), FakeProducer()
    await drained(tables, producer, [PLACE])
    assert [finding.device for _, _, finding in producer.sent] == ["d0", "d1", "d2"]
    assert all(
        key.decode() == f.subject and partition == partition_of(f.subject, FINDINGS.partitions)
        for key, partition, f in producer.sent
    )
    assert not tables.unsent


async def test_what_was_not_confirmed_is_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("processors.worker.drain.AFTER_TROUBLE_S", 0)
    tables, producer = tables_with(1), FakeProducer([TimeoutError(), Temporary("away")])
    await drained(tables, producer, [PLACE])
    assert len(producer.sent) == 1


async def test_an_error_that_does_not_pass_ends_the_drain() -> None:
    tables, producer = tables_with(1), FakeProducer([ValueError("no")])
    with pytest.raises(ValueError, match="no"):
        await drained(tables, producer, [PLACE])
    assert tables.unsent


async def test_other_partitions_findings_are_their_owners_to_send() -> None:
    tables = tables_with(1)
    unsent = MemoryUnsent(tables, "judge")
    assert unsent.fetch([Place("readings", 1)]) == []


def test_patience_repeats_what_is_temporary_and_nothing_else() -> None:
    patience, calls = Patience(), []

    def action() -> str:
        calls.append(patience.trouble)
        if len(calls) < 3:
            raise Temporary("database away")
        return "done"

    patience._stopping.wait = lambda timeout=None: False  # type: ignore[method-assign]
    assert patience.insist(action) == "done"
    assert calls == ["", "database away", "database away"]
    assert patience.trouble == ""
    with pytest.raises(Permanent):
        patience.insist(lambda: (_ for _ in ()).throw(Permanent("no")))


def test_patience_ends_when_stopping() -> None:
    patience = Patience()
    patience.stop()
    with pytest.raises(Temporary):
        patience.insist(lambda: (_ for _ in ()).throw(Temporary("away")))
