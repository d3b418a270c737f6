"""What of one message cannot be true: one rejection per code, however many values, since each keeps the raw message."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from ingest.routing import Route, Target
from schemas.rejection import Rejection

YEARS_10_US: Final = 10 * 365 * 86_400_000_000
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
    """A device's time and how far it is off, e.g. `2026-11-23T02:13:31Z, +11 min`."""
    if abs(at_us * 1000 - received_us) < YEARS_10_US:
        return f"{_instant(at_us)}; 秒 s → 毫秒 ms"
    off_s = (at_us - received_us) // 1_000_000
    size, unit = next(((n, u) for n, u in UNITS if abs(off_s) >= n), (1, "s"))
    return f"{_instant(at_us)}, {off_s // size:+d} {unit}" if abs(off_s) < 10**11 else _instant(at_us)


def impossible_detail(target: Target, value: float) -> str:
    """A value that cannot be true, and what could be; or what the sensor means by it."""
    if value in target.codes:
        return f"{value:g} = {target.codes[value]}"
    if target.switch:
        return f"{value:g} ≠ 0, 1"
    return f"{value:g} {target.unit}, {target.low:g}..{target.high:g}"


def _instant(at_us: int) -> str:
    try:
        return datetime.fromtimestamp(at_us // 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError, OSError):
        return "> 9999" if at_us > 0 else "< 0001"
