"""Bytes in hand are bounded: at the bound no connection is read, below a share of it all are read again."""

from collections.abc import Callable, Iterable
from typing import Final, Protocol

import structlog

from ingest.mqtt.holds import FULL

LOW_SHARE: Final = 0.75
"""Reading goes on when the bytes in hand have come down to this share of the bound."""
DEAF_S: Final = 1.5
"""Reading stops and goes on many times a second at full load; longer than this, time stops for the devices."""
LOG_EVERY_S: Final = 30.0


class Read(Protocol):
    """A connection that can be kept from being read. held_bytes: of a packet that has not come whole."""

    @property
    def held_bytes(self) -> int: ...
    @property
    def is_open(self) -> bool: ...
    def hold(self, why: int) -> None: ...
    def release(self, why: int) -> None: ...


class Bound:
    """unconfirmed: bytes of messages that Kafka has not confirmed. kept: bytes of unfinished packets."""

    def __init__(
        self, limit_bytes: int, connections: Callable[[], Iterable[Read]], now_s: Callable[[], float]
    ) -> None:
        self.unconfirmed = 0
        self.kept = 0
        self.is_full = False
        self.stops = 0
        self._limit_bytes = limit_bytes
        self._connections = connections
        self._now_s = now_s
        self._full_since_s = 0.0
        self._logged_s = float("-inf")

    @property
    def is_deaf(self) -> bool:
        """Nobody has been read for a while: devices that we do not hear must not look silent."""
        return self.is_full and self._now_s() - self._full_since_s > DEAF_S

    def take(self, size: int) -> None:
        """Messages of so many bytes are in hand."""
        self.unconfirmed += size

    def confirm(self, size: int) -> None:
        self.unconfirmed -= size

    def keep(self, change: int) -> None:
        """Bytes of unfinished packets have grown or shrunk."""
        self.kept += change
        if change > 0:
            self.check()

    def check(self) -> None:
        """Stops reading at the bound."""
        if not self.is_full and self.unconfirmed + self.kept >= self._limit_bytes:
            self._stop_reading()

    def read_on(self) -> None:
        """Reads again when enough has been confirmed."""
        if self.is_full and self.unconfirmed + self.kept <= self._limit_bytes * LOW_SHARE:
            self.is_full = False
            for connection in self._connections():
                connection.release(FULL)

    def is_stuck(self) -> bool:
        """Unfinished packets alone fill the bound: nothing would ever be confirmed."""
        self.read_on()
        return self.is_full and not self.unconfirmed

    def _stop_reading(self) -> None:
        now_s = self._now_s()
        self.is_full, self._full_since_s = True, now_s
        self.stops += 1
        if now_s - self._logged_s > LOG_EVERY_S:
            self._logged_s = now_s
            structlog.get_logger().warning(
                "reading_stopped", unconfirmed=self.unconfirmed, unfinished=self.kept
            )
        for connection in self._connections():
            if connection.is_open:
                connection.hold(FULL)
