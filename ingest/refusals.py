"""Every refused sign-in and broken stream: counted, slowed when repeated, recorded. Bounded, never in the way.

`Refusals` is plain state with time as an argument; `RefusalWriter` writes it to the database in the background.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

import structlog

from ingest.kept_connection import KeptConnection
from schemas.statements import load

if TYPE_CHECKING:
    import psycopg2.extensions

SQL = load("ingest", "refusals.sql")
MAX_ADDRESSES = 10_000
MAX_FOLDED = 5_000
MAX_USERNAME = 64
WINDOW_S = 60.0
OTHERS = "*"
"""Stands for the user names of what came in too many sorts to keep apart."""

Folded = dict[tuple[int, str, str, str], int]
"""(minute in seconds since 1970, address, username, code) to count."""

log = structlog.get_logger()


class Refusals:
    """Refusals by address, for slowing, and folded per minute, for the record."""

    def __init__(self, slow_after: int, slow_s: float) -> None:
        self._slow_after = slow_after
        self._slow_s = slow_s
        self._recent: dict[str, tuple[float, int]] = {}
        self._folded: Folded = {}

    def note(self, address: str, username: str, code: str, now_s: float, count: int = 1) -> float:
        """Notes a refusal at `now_s` (seconds since 1970); returns how long to keep its answer back."""
        minute = int(now_s // 60 * 60)
        key = (minute, address, username[:MAX_USERNAME], code)
        if key not in self._folded and len(self._folded) >= MAX_FOLDED:
            key = (minute, OTHERS, OTHERS, code)
        self._folded[key] = self._folded.get(key, 0) + count
        return self._slow_s if self._repeated(address, now_s) else 0.0

    def _repeated(self, address: str, now_s: float) -> bool:
        since, times = self._recent.pop(address, (now_s, 0))
        if now_s - since > WINDOW_S:
            since, times = now_s, 0
        if len(self._recent) >= MAX_ADDRESSES:
            del self._recent[next(iter(self._recent))]
        self._recent[address] = (since, times + 1)
        return times + 1 > self._slow_after

    def take(self) -> Folded:
        folded, self._folded = self._folded, {}
        return folded

    def put_back(self, folded: Folded) -> None:
        """What could not be written now; the newer ones give way when there is no room for both."""
        for key, count in self._folded.items():
            if key not in folded and len(folded) >= MAX_FOLDED:
                key = (key[0], OTHERS, OTHERS, key[3])
            folded[key] = folded.get(key, 0) + count
        self._folded = folded


class RefusalWriter:
    """Writes what has been noted every few seconds; `connect` opens a database connection, in the writer's thread."""

    def __init__(
        self,
        refusals: Refusals,
        connect: "Callable[[], psycopg2.extensions.connection]",
        interval_s: float = 2.0,
    ) -> None:
        self._refusals = refusals
        self._connection = KeptConnection(connect)
        self._interval_s = interval_s
        self._thread = ThreadPoolExecutor(1, "refusals")

    async def run(self) -> None:
        """Until cancelled. The database may be away: then the refusals wait, bounded."""
        while True:
            await asyncio.sleep(self._interval_s)
            await self.write()

    async def write(self) -> bool:
        """Writes what is there; False when it has to wait."""
        folded = self._refusals.take()
        if not folded:
            return True
        try:
            work = partial(self._write, folded=folded)
            await asyncio.get_running_loop().run_in_executor(self._thread, self._connection.use, work)
            return True
        except Exception as error:  # kept and tried again at the next turn
            self._refusals.put_back(folded)
            log.warning("refusals_not_recorded", error=str(error).strip(), waiting=len(folded))
            return False

    def _write(self, connection: "psycopg2.extensions.connection", folded: Folded) -> None:
        keys = list(folded)
        with connection, connection.cursor() as cursor:
            cursor.execute(
                SQL["add"],
                {
                    "minutes": [key[0] for key in keys],
                    "addresses": [key[1] for key in keys],
                    "usernames": [key[2] for key in keys],
                    "codes": [key[3] for key in keys],
                    "counts": list(folded.values()),
                },
            )

    def close(self) -> None:
        self._thread.submit(self._connection.close)
        self._thread.shutdown(wait=False)
