"""One database connection for one background thread: kept while it works, made anew after a failure. Edge."""

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import psycopg2.extensions

Result = TypeVar("Result")


class KeptConnection:
    """`connect` opens a connection, which may raise. Used from one thread at a time."""

    def __init__(self, connect: "Callable[[], psycopg2.extensions.connection]") -> None:
        self._connect = connect
        self._connection: psycopg2.extensions.connection | None = None

    def use(self, work: "Callable[[psycopg2.extensions.connection], Result]") -> Result:
        """Does the work; whatever it raises is raised, and the next use begins with a new connection."""
        try:
            if self._connection is None:
                self._connection = self._connect()
            return work(self._connection)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
