"""What a signed-in device is told of a stream that was cut: rejection, notice and refused line, as of any refusal.

A box that comes back at once and breaks again would make thousands of them: of one device and code there is one a
FOLD_S, and the next one says how many there were meanwhile. Pure but for the clock that it is given.
"""

from collections.abc import Callable
from typing import Final

from schemas.registry import Device
from schemas.rejection import Rejection

FOLD_S: Final = 60.0
MOST: Final = 10_000
"""Devices and codes that are remembered; the oldest give way."""


class CutStreams:
    """`now_s` is monotonic."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        self._now_s = now_s
        self._told: dict[tuple[str, str], tuple[float, int]] = {}

    def rejection(self, device: Device, code: str, detail: str, received_us: int) -> Rejection | None:
        """The rejection of a cut; None when one was told a moment ago."""
        key, now_s = (device.id, code), self._now_s()
        told_s, folded = self._told.pop(key, (float("-inf"), 0))
        if now_s - told_s < FOLD_S:
            self._told[key] = (told_s, folded + 1)
            return None
        if len(self._told) >= MOST:
            del self._told[next(iter(self._told))]
        self._told[key] = (now_s, 0)
        more = f" (+{folded})" if folded else ""
        return Rejection(
            code=code, detail=detail + more, device=device.id, publisher=device.id, received_us=received_us
        )
