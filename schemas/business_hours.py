"""When a site does business: a line that people write, "1-5 06:00-10:00,16:00-21:00; 6-7 08:00-20:00". Pure.

Days are 1 (Monday) to 7; without days a part means every day. A span that ends before it begins ends the next day;
24:00 is the end of the day. Local time of Asia/Shanghai.
"""

from typing import NamedTuple


class Span(NamedTuple):
    """Open from minute to minute of the day; `to_minute` at or below `from_minute` lies on the next day."""

    from_minute: int
    to_minute: int


class Hours(NamedTuple):
    """Spans that hold on some days, 1 (Monday) to 7."""

    days: tuple[int, ...]
    spans: tuple[Span, ...]


def parse_business_hours(text: str) -> tuple[Hours, ...]:
    """() for an empty text: not known. Raises ValueError, with a sentence in zh and en, naming the part at fault."""
    return tuple(_hours(part.strip()) for part in text.split(";")) if text.strip() else ()


def _hours(part: str) -> Hours:
    days, _, spans = part.rpartition(" ")
    try:
        return Hours(_days(days.strip()), tuple(_span(span) for span in spans.split(",")))
    except ValueError:
        raise ValueError(
            f"“{part[:60]}”不是营业时间：请写 06:00-10:00,16:00-21:00，可在前面写星期 1-5，多段用 ; 隔开 / "
            f"'{part[:60]}' are no business hours: write 06:00-10:00,16:00-21:00, with days 1-5 before it when they "
            "differ, parts separated by ;"
        ) from None


def _days(text: str) -> tuple[int, ...]:
    if not text:
        return tuple(range(1, 8))
    days: list[int] = []
    for piece in text.split(","):
        first, _, last = piece.partition("-")
        days.extend(range(_number(first, 7), _number(last or first, 7) + 1))
    if not days or 0 in days or len(set(days)) != len(days):
        raise ValueError(text)
    return tuple(days)


def _span(text: str) -> Span:
    begin, _, end = text.partition("-")
    span = Span(_minute(begin), _minute(end))
    if span.from_minute == span.to_minute or span.from_minute == 24 * 60:
        raise ValueError(text)
    return span


def _minute(text: str) -> int:
    hour, _, minute = text.partition(":")
    if len(minute) != 2:
        raise ValueError(text)
    found = _number(hour, 24) * 60 + _number(minute, 59)
    if found > 24 * 60:
        raise ValueError(text)
    return found


def _number(text: str, greatest: int) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 2) or int(text) > greatest:
        raise ValueError(text)
    return int(text)
