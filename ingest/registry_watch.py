"""Keeps the gateway's registry cache fresh, beside the event loop: the database may be slow or away. Edge."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

import structlog

from ingest.kept_connection import KeptConnection
from ingest.registry import Changes, RegistryCache, fetch_changes

if TYPE_CHECKING:
    import psycopg2.extensions

    Fetch = Callable[..., Changes]

STALE_S = 10.0
"""After this long without an answer of the database an unknown device is "unavailable", not "not authorised"."""
MIN_PAUSE_S = 0.1
"""Between look-ups for unknown devices: a storm of wrong names must not become a storm of queries."""

log = structlog.get_logger()


class RegistryWatch:
    """Fetches changes every `interval_s` and at once for a device unknown so far.

    `connect` opens a database connection, in the watch's own thread; `changed` hears the ids that changed.
    """

    def __init__(
        self,
        cache: RegistryCache,
        connect: "Callable[[], psycopg2.extensions.connection]",
        interval_s: float,
        changed: Callable[[set[str]], None],
        fetch: "Fetch" = fetch_changes,
        min_pause_s: float = MIN_PAUSE_S,
    ) -> None:
        self._cache = cache
        self._connection = KeptConnection(connect)
        self._fetch = fetch
        self._min_pause_s = min_pause_s
        self._interval_s = interval_s
        self._changed = changed
        self._thread = ThreadPoolExecutor(1, "registry")
        self._asking: asyncio.Task[bool] | None = None
        self._answered_s = float("-inf")
        self.loaded = asyncio.Event()

    @property
    def fresh(self) -> bool:
        """The database has answered lately, so that what the cache does not know does not exist."""
        return time.monotonic() - self._answered_s < STALE_S

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self.refresh()
            await asyncio.sleep(self._interval_s)

    async def refresh(self) -> bool:
        """Asks the database once, with everybody who waits; False when it cannot be reached."""
        if self._asking is None or self._asking.done():
            self._asking = asyncio.get_running_loop().create_task(self._ask())
        return await asyncio.shield(self._asking)

    async def look_up(self) -> bool:
        """Like `refresh`, but asks anew even when a question is under way: it may be older than the device."""
        if self._asking is not None and not self._asking.done():
            await asyncio.shield(self._asking)
        return await self.refresh()

    async def _ask(self) -> bool:
        loop = asyncio.get_running_loop()
        pause_s = self._answered_s + self._min_pause_s - time.monotonic()
        if pause_s > 0:
            await asyncio.sleep(pause_s)
        try:
            work = partial(self._read, since=self._cache.number)
            changes = await loop.run_in_executor(self._thread, self._connection.use, work)
        except Exception as error:  # the cache goes on serving; who is unknown hears "unavailable"
            log.warning("registry_not_refreshed", error=str(error).strip())
            return False
        self._answered_s = time.monotonic()
        ids = self._cache.apply(changes)
        self.loaded.set()
        if ids:
            self._changed(ids)
        return True

    def _read(self, connection: "psycopg2.extensions.connection", since: int) -> Changes:
        with connection:
            return self._fetch(connection, since)

    def close(self) -> None:
        if self._asking is not None:
            self._asking.cancel()
        self._thread.submit(self._connection.close)
        self._thread.shutdown(wait=False)
