"""Waiting for a condition, with a limit: the only way in which these tests let time pass."""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
PAUSE_S = 0.1


def until(probe: Callable[[], T | None], limit_s: float, what: str) -> T:
    """The probe's first true answer. Fails, saying what was waited for, when the limit is over."""
    deadline = time.monotonic() + limit_s
    rest = threading.Event()
    while True:
        found = probe()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {limit_s:.0f} s in vain for {what}; last answer: {found!r}")
        rest.wait(PAUSE_S)
