"""Which connections have had their time: those that say nothing, take nothing, or do not go when told to. Pure."""

from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import Final, Protocol, TypeVar

OWING_S: Final = 60.0
"""So long a broken connection waits for the acknowledgements that it is owed."""
LINGER_S: Final = 5.0
"""So long a connection that was closed may take to go."""
UNREAD_S: Final = 60.0
"""A client that takes nothing of what we write for so long is cut."""


class Why(StrEnum):
    LINGERS = "lingers"
    DOES_NOT_READ = "does_not_read"
    NO_CONNECT = "no_connect"
    KEEP_ALIVE_TIMEOUT = "keep_alive_timeout"


class Timed(Protocol):
    """closing_s: since when it is closed by us. owing_s: since when it only waits for what it is owed. unread_s: since
    when its client reads nothing. deadline_s: when something must have come, None for never. is_new: nothing has come
    yet.
    """

    closing_s: float | None
    owing_s: float | None
    unread_s: float | None

    @property
    def reading(self) -> bool: ...
    @property
    def is_new(self) -> bool: ...
    def deadline_s(self) -> float | None: ...


Connection = TypeVar("Connection", bound=Timed)


def overdue(connections: Iterable[Connection], now_s: float) -> Iterator[tuple[Connection, Why]]:
    """Those whose time is up, and why. Nobody is blamed for what we do not read."""
    for connection in connections:
        why = _why(connection, now_s)
        if why is not None:
            yield connection, why


def _why(connection: Timed, now_s: float) -> Why | None:
    if connection.closing_s is not None:
        return Why.LINGERS if now_s - connection.closing_s > LINGER_S else None
    if connection.owing_s is not None:
        return Why.LINGERS if now_s - connection.owing_s > OWING_S else None
    if connection.unread_s is not None and now_s - connection.unread_s > UNREAD_S:
        return Why.DOES_NOT_READ
    if not connection.reading:
        return None
    deadline_s = connection.deadline_s()
    if deadline_s is None or now_s <= deadline_s:
        return None
    return Why.NO_CONNECT if connection.is_new else Why.KEEP_ALIVE_TIMEOUT
