"""What of one message cannot be true: one rejection per code, however many values, since each keeps the raw message."""

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Final

from ingest.routing import Route, Target
from schemas.rejection import Rejection

YEARS_10_US: Final = 10 * 365 * 86_400_000_000
SHANGHAI: Final = timezone(timedelta(hours=8))
UNITS: Final = ((86_400, "d"), (3600, "h"), (60, "min"))


class Quarantine:
    """Tallies values by code; the first one of each gives path and detail."""

    def __init__(self) -> None:
        self._found: dict[str, tuple[str, str, int]] = {}

    def add(self, code: str, path: str, count: int, detail: Callable[[], str]) -> None:
        """`detail` is asked for once per code: a long backlog of wrong times must not cost more than a sound one."""
        found = self._found.get(code)
        if found is None:
            self._found[code] = (path, detail(), count)
        else:
            self._found[code] = (*found[:2], found[2] + count)

    def rejections(self, route: Route, received_us: int) -> list[Rejection]:
        return [
            Rejection(
                code=code,
                path=path,
                detail=detail,
                device=route.device.id,
                publisher=route.publisher,
                topic=route.topic,
                received_us=received_us,
                count=count,
            )
            for code, (path, detail, count) in self._found.items()
        ]


def clock_detail(at_us: int, received_us: int) -> str:
    """A device's time and how far it is off, e.g. `2026-11-23T10:13:31+08:00, +11 min`."""
    if abs(at_us * 1000 - received_us) < YEARS_10_US:
        return f"{_instant(at_us)}; 秒 s → 毫秒 ms"
    off_s = (
        at_us - received_us + 500_000
    ) // 1_000_000  # a device may say any number, more than a float holds too
    return f"{_instant(at_us)}, {_signed(off_s)}" if abs(off_s) < 10**11 else _instant(at_us)


def _signed(off_s: int) -> str:
    """Rounded to the largest unit of which there is one, and to halves of it: a zone off by 5.5 h is no whole hour."""
    size, unit = next(((n, u) for n, u in UNITS if abs(off_s) >= n * 0.95), (1, "s"))
    halves = round(2 * off_s / size) if size > 1 else 2 * off_s
    return f"{halves / 2:+g} {unit}"


def impossible_detail(target: Target, value: float) -> str:
    """A value that cannot be true, and what could be; or what the sensor means by it."""
    if value in target.codes:
        return f"{value:g} = {target.codes[value]}"
    if target.switch:
        return f"{value:g} ≠ 0, 1"
    return f"{value:g} {target.unit}, {target.low:g}..{target.high:g}"


def _instant(at_us: int) -> str:
    try:
        return datetime.fromtimestamp(at_us // 1_000_000, SHANGHAI).isoformat()
    except (ValueError, OverflowError, OSError):
        return "> 9999" if at_us > 0 else "< 0001"
