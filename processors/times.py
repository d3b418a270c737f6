"""Microseconds to the database's timestamptz and back, without a float in between."""

from datetime import UTC, datetime, timedelta
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def to_time(time_us: int) -> datetime:
    return _EPOCH + timedelta(microseconds=time_us)


def to_us(time: datetime) -> int:
    return (time - _EPOCH) // _MICROSECOND
