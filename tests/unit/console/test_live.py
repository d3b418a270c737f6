"""Fan-out of the live stream: nobody misses anything, nobody sees what is not theirs, nobody holds up the others."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from console import live as live_module
from console.live import Live
from schemas import scope
from schemas.errors import Temporary
from schemas.scope import Scope

NOW = datetime(2026, 11, 23, tzinfo=UTC)


class Row(msgspec.Struct, frozen=True):
    id: int
    enterprise: str | None
    county: str | None
    item: dict[str, Any]


class FakeSource:
    """Events in a list; `away` makes every question fail."""

    def __init__(self, count: int = 0) -> None:
        self.rows = [self.row(n + 1) for n in range(count)]
        self.away = False
        self.stream: datetime | None = NOW

    @staticmethod
    def row(id: int) -> Row:
        enterprise = "a" if id % 2 else "b"
        return Row(id, enterprise, "c", {"n": id, "enterprise": enterprise})

    def add(self, count: int) -> None:
        self.rows += [self.row(len(self.rows) + n + 1) for n in range(count)]

    def _answer(self) -> None:
        if self.away:
            raise Temporary("away")

    def last_event(self) -> int:
        self._answer()
        return len(self.rows)

    def events(self, seen: Scope, after: int, upto: int | None, limit: int) -> Sequence[Row]:
        self._answer()
        later = [r for r in list(self.rows) if r.id > after and (upto is None or r.id <= upto)]
        return [r for r in later if seen.sees(r.enterprise, r.county)][:limit]

    def stream_at(self) -> datetime | None:
        self._answer()
        return self.stream


async def started(source: FakeSource, now: datetime = NOW) -> Live:
    live = Live(source, lambda: now)
    live.start(asyncio.get_running_loop())
    await until(lambda: not live.is_new)
    return live


async def until(condition: Any, limit_s: float = 10) -> None:
    async with asyncio.timeout(limit_s):
        while not condition():  # noqa: ASYNC110 - what is waited for happens in a thread
            await asyncio.sleep(0.01)


async def take(messages: AsyncIterator[bytes], count: int) -> list[int]:
    """The numbers of the next incident events."""
    found: list[int] = []
    async with asyncio.timeout(10):
        async for message in messages:
            for line in message.decode().splitlines():
                if line.startswith('data: {"n"'):
                    found.append(json.loads(line[6:])["n"])
            if len(found) >= count:
                break
    return found


async def test_a_listener_gets_what_comes_after_it_has_joined() -> None:
    source = FakeSource(3)
    live = await started(source)
    messages = live.messages(scope.ALL, None)
    assert (await anext(messages)).startswith(b"event: tick")
    source.add(2)
    assert await take(messages, 2) == [4, 5]
    live.close()


async def test_a_listener_that_comes_back_gets_what_it_missed_and_then_what_is_new(monkeypatch) -> None:
    monkeypatch.setattr(live_module, "PAGE", 4)
    source = FakeSource(20)
    live = await started(source)
    messages = live.messages(scope.ALL, 5)
    await anext(messages)
    source.add(3)
    assert await take(messages, 18) == list(range(6, 24))
    live.close()


async def test_a_tenant_gets_its_own_events_alone() -> None:
    source = FakeSource(6)
    live = await started(source)
    messages = live.messages(scope.of_enterprise("a"), 0)
    await anext(messages)
    source.add(4)
    assert await take(messages, 5) == [1, 3, 5, 7, 9]
    live.close()


async def test_a_listener_that_does_not_keep_up_is_let_go_and_holds_up_nobody(monkeypatch) -> None:
    monkeypatch.setattr(live_module, "MOST_WAITING", 8)
    source = FakeSource()
    live = await started(source)
    slow, quick = live.messages(scope.ALL, None), live.messages(scope.ALL, None)
    await anext(slow)
    await anext(quick)
    seen: list[int] = []
    for _ in range(5):
        source.add(4)
        seen += await take(quick, 4)
    assert seen == list(range(1, 21))
    assert [message async for message in slow] == []
    await until(lambda: live.listeners == 1)
    live.close()


async def test_ticks_go_on_while_the_database_is_away_and_say_that_it_is_stalled(monkeypatch) -> None:
    monkeypatch.setattr(live_module, "TICK_S", 0.05)
    source = FakeSource()
    live = Live(source, lambda: NOW + timedelta(seconds=11))
    live.start(asyncio.get_running_loop())
    await until(lambda: live.stream_at is not None)
    source.away = True
    await until(lambda: live.trouble == "away")
    messages = live.messages(scope.ALL, None)
    async with asyncio.timeout(10):
        ticks = [await anext(messages), await anext(messages)]
    assert all(b'"ingest_age_s":11.0,"stalled":true' in tick for tick in ticks)
    source.away = False
    source.add(1)
    assert await take(messages, 1) == [1]
    live.close()


async def test_nothing_judged_yet_is_stalled() -> None:
    source = FakeSource()
    source.stream = None
    live = await started(source)
    assert live.ingest() == {"now": NOW, "ingest_age_s": None, "stalled": True}
    live.close()


async def test_closing_ends_every_stream() -> None:
    live = await started(FakeSource())
    messages = live.messages(scope.ALL, None)
    await anext(messages)
    live.close()
    assert [message async for message in messages] == []


async def test_an_error_that_nobody_foresaw_is_said_and_the_tail_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(live_module, "AGAIN_S", 0.01)

    class Faulty(FakeSource):
        faults = 0

        def events(self, seen: Scope, after: int, upto: int | None, limit: int) -> Sequence[Row]:
            if self.faults:
                self.faults -= 1
                raise KeyError("nobody foresaw this")
            return super().events(seen, after, upto, limit)

    source = Faulty(1)
    live = await started(source)
    said: list[str] = []
    source.faults = 3
    await until(lambda: said.append(live.trouble) or "nobody foresaw" in live.trouble)
    messages = live.messages(scope.ALL, None)
    await anext(messages)
    source.add(1)
    await until(lambda: not live.trouble)
    assert await take(messages, 1) == [2]
    live.close()


async def test_news_that_fail_do_not_end_the_tail_either(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_module, "AGAIN_S", 0.01)
    failing = [OSError("no more files"), ValueError("odd")]

    def news(limit_s: float) -> None:
        if failing:
            raise failing.pop()

    source = FakeSource(2)
    live = Live(source, lambda: NOW, news)
    live.start(asyncio.get_running_loop())
    await until(lambda: not live.is_new and not live.trouble)
    assert not failing
    live.close()
