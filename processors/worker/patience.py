"""Trying again in place: the database is away, the batch in hand waits for it."""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

import structlog

from processors.worker import meters
from schemas.errors import Temporary

T = TypeVar("T")
FIRST_S = 0.1
LONGEST_S = 2.0


class Patience:
    """Repeats an action while it fails with Temporary. `trouble` says what is missing meanwhile, else ""."""

    def __init__(self) -> None:
        self.trouble = ""
        self._stopping = threading.Event()

    def stop(self) -> None:
        """The next failure is raised instead of repeated."""
        self._stopping.set()

    def insist(self, action: Callable[[], T], limit_s: float = float("inf")) -> T:
        """Raises what the action raises, Temporary only after limit_s or when stopping."""
        began, delay_s = time.monotonic(), FIRST_S
        while True:
            try:
                result = action()
            except Temporary as error:
                self.trouble = str(error)
                if self._stopping.is_set() or time.monotonic() - began > limit_s:
                    raise
                meters.RETRIES.inc()
                structlog.get_logger().warning("database_away", reason=str(error), again_in_s=delay_s)
                self._stopping.wait(delay_s)
                delay_s = min(2 * delay_s, LONGEST_S)
            else:
                self.trouble = ""
                return result
