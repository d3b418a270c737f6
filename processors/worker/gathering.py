"""Events of one stream, gathered into batches without a tick: what came while the batch before it was written."""

import asyncio
from typing import Generic, TypeVar

Event = TypeVar("Event")


class Gathering(Generic[Event]):
    """At most `limit` events wait here; one task puts, one takes. Both in the loop's thread."""

    def __init__(self, limit: int, within_s: float) -> None:
        self._limit = limit
        self._within_s = within_s
        self._events: list[Event] = []
        self._some = asyncio.Event()
        self._room = asyncio.Event()

    async def put(self, event: Event) -> None:
        """Returns when there is room for one more, so that a busy writer holds its reader back."""
        self._events.append(event)
        self._some.set()
        if len(self._events) >= self._limit:
            self._room.clear()
            await self._room.wait()

    async def take(self) -> list[Event]:
        """All that wait. The first one after a quiet moment has company soon, so it is given `within_s` for it."""
        if not self._events:
            self._some.clear()
            await self._some.wait()
            if len(self._events) < self._limit:
                await asyncio.sleep(self._within_s)
        events, self._events = self._events, []
        self._room.set()
        return events
