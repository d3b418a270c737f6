"""Microseconds since 1970 UTC to aware datetimes and back, exactly (floats would round)."""

from datetime import UTC, datetime, timedelta
from typing import Final

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def to_datetime(us: int) -> datetime:
    return EPOCH + timedelta(microseconds=us)


def to_us(moment: datetime) -> int:
    """Raises TypeError for a naive datetime."""
    return (moment - EPOCH) // _MICROSECOND
