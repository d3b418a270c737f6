"""A worker's hand on the database: one connection, transactions, statements that share a round trip. Edge."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg2
import psycopg2.extensions

from schemas.errors import ColdwatchError, Permanent, Temporary

Connect = Callable[[], psycopg2.extensions.connection]


def classified(error: psycopg2.Error) -> ColdwatchError:
    """Which family a database error belongs to: connection, timeout, deadlock, restart can be tried again."""
    temporary = (psycopg2.OperationalError, psycopg2.InterfaceError, psycopg2.errors.ReadOnlySqlTransaction)
    message = f"{type(error).__name__}: {error}".strip()
    return Temporary(message) if isinstance(error, temporary) else Permanent(message)


class Cursor(psycopg2.extensions.cursor):
    """A cursor on which a statement whose answer nobody reads can wait for the next one: one round trip for both."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._waiting: list[bytes] = []

    def later(self, query: str, values: Any = None) -> None:
        """Goes out with the next statement, before it; an error of it is then that one's."""
        self._waiting.append(self.mogrify(query, values))

    def later_values(self, query: str, rows: Sequence[Sequence[Any]], template: str) -> None:
        """The same with rows in the place of the query's one %s."""
        head, tail = query.split("%s")
        joined = b",".join(self.mogrify(template, row) for row in rows)
        self._waiting.append(head.encode() + joined + tail.encode())

    def execute(self, query: Any, vars: Any = None) -> None:
        if not self._waiting:
            super().execute(query, vars)
            return
        statements = [*self._waiting, self.mogrify(query, vars)]
        self._waiting = []
        super().execute(b"\n;\n".join(statements))

    def copy_expert(self, sql: Any, file: Any, size: int = 8192) -> None:
        if self._waiting:
            last = self._waiting.pop()
            self.execute(last)
        super().copy_expert(sql, file, size)


class Database:
    """One connection of one writer thread, opened when needed, thrown away after any error."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self._connection: psycopg2.extensions.connection | None = None

    @contextmanager
    def transaction(self) -> Iterator[Cursor]:
        """Commits at the end. Raises Temporary or Permanent; after either the outcome of a commit is unknown."""
        try:
            if self._connection is None:
                self._connection = self._connect()
                self._connection.autocommit = (
                    True  # begin and commit are ours, so that they can travel in company
                )
            with self._connection.cursor(cursor_factory=Cursor) as cursor:
                cursor.later("begin")
                yield cursor
                cursor.execute("commit")
        except psycopg2.Error as error:
            self.close()
            raise classified(error) from error
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
