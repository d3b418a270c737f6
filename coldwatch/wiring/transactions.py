"""Transactions on connections that are opened here: one kept for a single writer, or a bounded pool for many askers.

psycopg2 does not notice by itself that a backend has died, so on any error the connection is thrown away.
`psycopg2.OperationalError` and `InterfaceError` (the database is away, too slow or restarting) become Temporary.
"""

import contextlib
import queue
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812
from psycopg2.extensions import cursor as Cursor  # noqa: N812

from schemas import scope
from schemas.errors import Temporary
from schemas.scope import Scope

AWAY = (psycopg2.OperationalError, psycopg2.InterfaceError)
Connect = Callable[[], Connection]


class Single:
    """One connection, opened when first needed and again after trouble. For one thread."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self._connection: Connection | None = None

    @contextmanager
    def begin(self) -> Iterator[Cursor]:
        """One transaction: commits at the end of the block, else rolls back. Raises Temporary."""
        try:
            if self._connection is None:
                self._connection = self._connect()
            with self._connection.cursor() as cursor:
                yield cursor
            self._connection.commit()
        except BaseException as error:
            self.close()
            if isinstance(error, AWAY):
                raise Temporary(f"database: {str(error).strip()}") from error
            raise

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            _close(connection)


class Pool:
    """At most `size` connections for many threads; an asker waits `wait_s` for one. Idle ones are kept open."""

    def __init__(self, connect: Connect, size: int = 8, wait_s: float = 5.0) -> None:
        self._connect = connect
        self._wait_s = wait_s
        self._slots: queue.LifoQueue[Connection | None] = queue.LifoQueue()
        for _ in range(size):
            self._slots.put(None)

    @contextmanager
    def begin(self, seen: Scope = scope.NONE) -> Iterator[Cursor]:
        """One transaction in which row security shows the rows that `seen` sees. Raises Temporary."""
        try:
            connection = self._slots.get(timeout=self._wait_s)
        except queue.Empty:
            raise Temporary("every database connection is busy") from None
        keep: Connection | None = None
        try:
            connection = connection or self._connect()
            with connection.cursor() as cursor:
                cursor.execute("select set_config(%s, %s, true)", (scope.SETTING, seen.setting))
                yield cursor
            connection.commit()
            keep = connection
        except AWAY as error:
            raise Temporary(f"database: {str(error).strip()}") from error
        finally:
            if keep is None and connection is not None:
                _close(connection)
            self._slots.put(keep)

    def close(self) -> None:
        """Closes idle connections; those in use close when their transaction ends."""
        while True:
            try:
                connection = self._slots.get_nowait()
            except queue.Empty:
                return
            if connection is not None:
                _close(connection)


def _close(connection: Connection) -> None:
    with contextlib.suppress(*AWAY):  # it may be gone already, which is what was wanted
        connection.close()
