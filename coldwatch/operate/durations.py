"""Durations as people write them: 500ms, 2s, 60s, 5m, 1h, 7d; a bare number is seconds."""

from typing import Final

UNITS_US: Final = {
    "ms": 1_000,
    "s": 1_000_000,
    "m": 60_000_000,
    "min": 60_000_000,
    "h": 3_600_000_000,
    "d": 86_400_000_000,
}


def parse_duration_us(text: str) -> int:
    """Microseconds. Raises ValueError, with a sentence, when it is not a positive duration."""
    compact = text.strip().lower().replace(" ", "")
    digits = compact.rstrip("abcdefghijklmnopqrstuvwxyz")
    unit = compact[len(digits) :] or "s"
    try:
        us = round(float(digits) * UNITS_US[unit])
    except (ValueError, KeyError, OverflowError):
        us = 0
    if us <= 0:
        raise ValueError(
            f"“{text}”不是时长：请写 2s、60s、5m、1h / '{text}' is no duration: write 2s, 60s, 5m, 1h"
        )
    return us


def duration_text(us: int) -> str:
    """The shortest exact way to write it."""
    for unit in ("d", "h", "m", "s", "ms"):
        if us % UNITS_US[unit] == 0:
            return f"{us // UNITS_US[unit]}{unit}"
    return f"{us / 1_000_000:g}s"
