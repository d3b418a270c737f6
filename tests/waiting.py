"""Waiting in tests: for a condition, up to a limit, never for a time."""

import time
from collections.abc import Callable


def until(condition: Callable[[], object], limit_s: float, every_s: float = 0.05) -> None:
    """Returns as soon as the condition holds. Fails the test when it does not within the limit."""
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline, f"not within {limit_s} s: {condition}"
        time.sleep(every_s)
