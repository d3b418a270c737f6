"""The live stream: one thread reads new incident events by id and hands them to everybody who listens.

Writers of events are serialised, so "greater than the last id seen" misses nothing (docs/decisions/0003). A listener
that does not keep up is let go; it comes back with its Last-Event-ID and misses nothing either.
"""

import asyncio
import contextlib
import threading
import time
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime
from typing import Any, Final, Protocol

import msgspec
import structlog

from schemas import scope
from schemas.errors import Temporary
from schemas.person import Role
from schemas.scope import Scope

POLL_S: Final = 0.1
TICK_S: Final = 2.0
STALLED_AFTER_S: Final = 10.0
MOST_WAITING: Final = 4096
JOINED: Final = 64
"""Messages that leave in one piece when they wait anyway."""
PAGE: Final = 500
AGAIN_S: Final = 1.0


Item = dict[str, Any]


class Row(Protocol):
    """An incident event with its incident, as alerts reads it."""

    @property
    def id(self) -> int: ...
    @property
    def enterprise(self) -> str | None: ...
    @property
    def county(self) -> str | None: ...
    @property
    def item(self) -> Item: ...


class Source(Protocol):
    """Where events come from; each call is one transaction of role web. Raises Temporary."""

    def last_event(self) -> int: ...
    def events(self, seen: Scope, after: int, upto: int | None, limit: int) -> Sequence[Row]: ...
    def stream_at(self) -> datetime | None: ...


class Listener:
    """One open stream. `None` in its queue ends it."""

    def __init__(self, scope: Scope, role: Role, joined_at: int) -> None:
        self.scope = scope
        self.role = role
        self.joined_at = joined_at
        self.queue: asyncio.Queue[bytes | None] = asyncio.Queue(MOST_WAITING)
        self.overrun = False

    def offer(self, message: bytes) -> None:
        if self.overrun:
            return
        try:
            self.queue.put_nowait(message)
        except asyncio.QueueFull:
            self.end()

    def joined(self, first: bytes) -> bytes:
        """`first` and what waits behind it, as far as it goes into one piece."""
        pieces = [first]
        while len(pieces) < JOINED and not self.overrun and not self.queue.empty():
            if (next := self.queue.get_nowait()) is not None:
                pieces.append(next)
        return b"".join(pieces)

    def end(self) -> None:
        """Ends the stream; what has waited is forgotten, since the listener resumes behind what it has seen."""
        self.overrun = True
        while not self.queue.empty():
            self.queue.get_nowait()
        self.queue.put_nowait(None)


class Live:
    """Fan-out. Everything but the reading happens in the event loop, so it needs no lock.

    `news` returns when events may have come, or after as many seconds as it is given; without it they are asked for
    every POLL_S. `item_for` is an incident as it is shown to a role.
    """

    def __init__(
        self,
        source: Source,
        now: Callable[[], datetime],
        news: Callable[[float], object] | None = None,
        item_for: Callable[[Item, Role], Item] = lambda item, role: item,
    ) -> None:
        self._source = source
        self._item_for = item_for
        self._now = now
        self._news = news or self._pause
        self._stop = threading.Event()
        self._listeners: set[Listener] = set()
        self._last = -1
        self._stream_at: datetime | None = None
        self._tick = b""
        self._loop: asyncio.AbstractEventLoop | None = None
        self.trouble = "the events have not been read yet"
        """Empty while the database answers."""

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._make_tick()
        threading.Thread(target=self._read, name="live", daemon=True).start()

    def close_soon(self) -> None:
        """From any thread: `close`, in the loop."""
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop has ended already, and the streams with it
                self._loop.call_soon_threadsafe(self.close)

    def close(self) -> None:
        """In the loop: ends every stream and the reading."""
        self._stop.set()
        for listener in self._listeners:
            listener.end()

    @property
    def is_new(self) -> bool:
        """Nothing has been read yet, so nobody can join."""
        return self._last < 0

    @property
    def listeners(self) -> int:
        return len(self._listeners)

    def ingest(self) -> dict[str, Any]:
        """{"now", "ingest_age_s", "stalled"}: the age of the newest thing that the stream knows."""
        now = self._now()
        age_s = (
            None if self._stream_at is None else max(0.0, round((now - self._stream_at).total_seconds(), 3))
        )
        return {"now": now, "ingest_age_s": age_s, "stalled": age_s is None or age_s > STALLED_AFTER_S}

    @property
    def stream_at(self) -> datetime | None:
        return self._stream_at

    async def messages(
        self, seen: Scope, after: int | None, role: Role = Role.REGULATOR
    ) -> AsyncIterator[bytes]:
        """The stream of one listener from behind event `after` (None: from now on), until it is let go."""
        listener = Listener(seen, role, self._last)
        self._listeners.add(listener)
        try:
            yield self._tick
            if after is not None:
                async for message in self._missed(listener, after):
                    yield message
            while (next := await listener.queue.get()) is not None:
                yield listener.joined(next)
        finally:
            self._listeners.discard(listener)

    async def _missed(self, listener: Listener, after: int) -> AsyncIterator[bytes]:
        while after < listener.joined_at:
            rows = await asyncio.to_thread(
                self._source.events, listener.scope, after, listener.joined_at, PAGE
            )
            for row in rows:
                yield self._message(row, listener.role)
            if len(rows) < PAGE:
                return
            after = rows[-1].id

    def _read(self) -> None:
        """The thread. Temporary trouble is waited out; ticks go on meanwhile, so that ages are seen to grow."""
        seen: int | None = None
        tick_at = time.monotonic()
        while not self._stop.is_set():
            try:
                self._news(max(0.0, tick_at - time.monotonic()))
                if seen is None:
                    seen = self._source.last_event()
                    self._call(self._begin, seen)
                rows = self._source.events(scope.ALL, seen, None, PAGE)
                if rows:
                    seen = rows[-1].id
                    self._call(self._publish, rows)
                if time.monotonic() >= tick_at:
                    self._stream_at = self._source.stream_at()
                self.trouble = ""
            except Temporary as error:
                if not self.trouble:
                    structlog.get_logger().warning("waiting", reason=str(error))
                self.trouble = str(error)
            except (
                Exception
            ) as error:  # the thread may not die unseen: readiness says so, and it is tried again
                structlog.get_logger().exception("live_failed")
                self.trouble = f"{type(error).__name__}: {error}"
                self._stop.wait(AGAIN_S)
            if time.monotonic() >= tick_at:
                tick_at = time.monotonic() + TICK_S
                self._call(self._publish_tick)

    def _pause(self, limit_s: float) -> None:
        self._stop.wait(min(limit_s, POLL_S))

    def _call(self, function: Callable[..., None], *arguments: Any) -> None:
        if self._loop is not None and not self._stop.is_set():
            with contextlib.suppress(RuntimeError):  # the loop has just been closed: the process ends
                self._loop.call_soon_threadsafe(function, *arguments)

    def _begin(self, last: int) -> None:
        self._last = last

    def _publish(self, rows: Sequence[Row]) -> None:
        self._last = rows[-1].id
        for row in rows:
            made: dict[Role, bytes] = {}
            for listener in list(self._listeners):
                if listener.scope.sees(row.enterprise, row.county):
                    if listener.role not in made:
                        made[listener.role] = self._message(row, listener.role)
                    listener.offer(made[listener.role])

    def _message(self, row: Row, role: Role) -> bytes:
        return incident_message(row.id, self._item_for(row.item, role))

    def _publish_tick(self) -> None:
        self._make_tick()
        for listener in list(self._listeners):
            listener.offer(self._tick)

    def _make_tick(self) -> None:
        self._tick = b"event: tick\ndata: " + msgspec.json.encode(self.ingest()) + b"\n\n"


def incident_message(id: int, item: Item) -> bytes:
    """One event as text/event-stream; its id is what a listener resumes behind."""
    return b"id: %d\nevent: incident\ndata: %b\n\n" % (id, msgspec.json.encode(item))
