"""Waiting for the database to say that something has come (LISTEN), instead of asking for it again and again."""

import contextlib
import select
import time
from collections.abc import Callable
from typing import Final

import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812

from coldwatch.wiring.transactions import AWAY

INCIDENT_EVENT: Final = "incident_event"
"""Told by every transaction that writes incident events (schemas/tables/0013_news.sql)."""
ANEW_S: Final = 0.5
"""While the database cannot be reached, and at the least as often as before there were news."""


class News:
    """A connection that listens on one channel. For one thread. What comes while nobody listens is not told later, so
    a wait that has just begun to listen returns at once, and its caller looks.
    """

    def __init__(self, connect: Callable[[], Connection], channel: str = INCIDENT_EVENT) -> None:
        self._connect = connect
        self._channel = channel
        self._connection: Connection | None = None

    def wait(self, limit_s: float) -> bool:
        """Returns when something may have come (True), or after `limit_s`; never raises for a database that is away."""
        try:
            if self._connection is None:
                self._connection = self._listen()
                return True
            if not select.select([self._connection], [], [], max(0.0, limit_s))[0]:
                return False
            self._connection.poll()
            self._connection.notifies.clear()
            return True
        except (*AWAY, OSError):
            self.close()
            time.sleep(max(0.0, min(limit_s, ANEW_S)))
            return False

    def _listen(self) -> Connection:
        connection = self._connect()
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(f"listen {self._channel}")
        return connection

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(psycopg2.Error):
                connection.close()
