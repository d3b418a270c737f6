"""One point over a span of time: every value or, when there are many, the extremes of each slice; gaps as gaps."""

from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
import psycopg2.extensions

from schemas.refusal import Ground, Refusal, Refused
from schemas.rules import FACTS, FactsTable
from schemas.statements import load
from schemas.times import to_us

Cursor = psycopg2.extensions.cursor

SQL: Final = load("history", "curve.sql")
MOST_POINTS: Final = 4000
SLICES: Final = 1000
LIMITS: Final = ("low", "high", "tolerance_low", "tolerance_high", "reject_low", "reject_high")
LATE_AFTER: Final = timedelta(minutes=2)
GAP_INTERVALS: Final = 2
LEAD_INTERVALS: Final = 60
LONGEST_LEAD: Final = timedelta(hours=12)
MOST_SPAN: Final = timedelta(days=366)
ABOVE: Final = 1.5
"""A usual distance so many times the registered interval is the one by which gaps are told."""

NO_SUCH_POINT: Final = Refusal(
    Ground.NOT_FOUND,
    "no_such_point",
    "没有这个设备或指标，或您无权查看。",
    "There is no such device or metric, or it is not yours to see.",
)
NO_SUCH_INCIDENT: Final = Refusal(
    Ground.NOT_FOUND,
    "no_such_incident",
    "没有这条告警，或您无权查看。",
    "There is no such incident, or it is not yours to see.",
)


SPAN_TOO_LONG: Final = Refusal(
    Ground.INVALID,
    "span_too_long",
    f"时间范围太长：一次最多 {MOST_SPAN.days} 天，请缩短后分几次查询。",
    f"That span is too long: {MOST_SPAN.days} days at most; ask for shorter ones one by one.",
)


class Span(msgspec.Struct, frozen=True):
    """A point and the time to be shown. interval: as registered."""

    point: int
    device: str
    metric: str
    unit: str
    interval: timedelta
    created_at: datetime
    begin: datetime
    end: datetime


def of_incident(cursor: Cursor, id: str, now: datetime, facts: FactsTable = FACTS) -> dict[str, Any]:
    """The curve around an incident; without points when its device has none (a camera, an instrument)."""
    cursor.execute(SQL["point_of_incident"], {"id": id})
    row = cursor.fetchone()
    if row is None:
        cursor.execute(SQL["incident_exists"], {"id": id})
        if cursor.fetchone() is None:
            raise Refused(NO_SUCH_INCIDENT)
        return _without_point(now)
    point, device, metric, unit, interval_us, created_at, start, end = row
    interval = timedelta(microseconds=interval_us)
    lead = lead_of(interval, start, end or now)
    to = max(min(now, (end or now) + lead), start + interval)
    begin = max(start - lead, to - MOST_SPAN)
    return _curve(cursor, Span(point, device, metric, unit, interval, created_at, begin, to), now, facts)


def of_device(
    cursor: Cursor,
    device: str,
    metric: str | None,
    begin: datetime | None,
    end: datetime | None,
    now: datetime,
    facts: FactsTable = FACTS,
) -> dict[str, Any]:
    """The curve of one metric; by default the last 240 intervals of the device's most telling one."""
    cursor.execute(SQL["point_of_device"], {"device": device, "metric": metric})
    row = cursor.fetchone()
    if row is None:
        raise Refused(NO_SUCH_POINT)
    point, device, metric_found, unit, interval_us, created_at = row
    interval = timedelta(microseconds=interval_us)
    to = end or now
    begin = begin or to - min(240 * interval, MOST_SPAN)
    if to - begin > MOST_SPAN:
        raise Refused(SPAN_TOO_LONG)
    return _curve(
        cursor, Span(point, device, metric_found, unit, interval, created_at, begin, to), now, facts
    )


def lead_of(interval: timedelta, start: datetime, end: datetime) -> timedelta:
    """How much before and after an episode is shown: half its length, at least 60 intervals, at most 12 h."""
    return min(LONGEST_LEAD, max(LEAD_INTERVALS * interval, (end - start) / 2))


def unknown_spans(
    gaps: list[tuple[datetime, datetime]],
    edges: tuple[datetime | None, datetime | None],
    span: Span,
    now: datetime,
    bound: timedelta,
) -> list[tuple[datetime, datetime]]:
    """Times of which nothing is known: gaps between readings, and what is missing at the two ends, above the bound."""
    begin, end = max(span.begin, span.created_at), min(span.end, now)
    first, last = edges
    if first is None or last is None:
        return [(begin, end)] if end - begin > bound else []
    before = [(begin, first)] if first - begin > bound else []
    after = [(last, end)] if end - last > bound else []
    return before + gaps + after


def _curve(cursor: Cursor, span: Span, now: datetime, facts: FactsTable) -> dict[str, Any]:
    asked = {"point": span.point, "from": span.begin, "to": span.end}
    points, thinned = _points(cursor, span, asked)
    bound = GAP_INTERVALS * _interval(cursor, span, asked)
    cursor.execute(SQL["gaps"], asked | {"bound": bound})
    gaps: list[tuple[datetime, datetime]] = cursor.fetchall()
    cursor.execute(SQL["edges"], asked)
    edges = cursor.fetchone() or (None, None)
    cursor.execute(
        SQL["breaches"], asked | {"device": span.device, "metric": span.metric, "bands": facts.bands()}
    )
    breaches = [[_ms(start), _ms(end), severity] for start, end, severity in cursor.fetchall()]
    cursor.execute(SQL["suppressed"], asked)
    suppressed = [[_ms(since), _ms(span.end), reason] for since, reason in cursor.fetchall()]
    return {
        "device": span.device,
        "metric": span.metric,
        "unit": span.unit,
        "from": span.begin,
        "to": span.end,
        "interval_s": _drawn_interval(span, thinned).total_seconds(),
        "thinned": thinned,
        "points": points,
        "breaches": breaches,
        "unknown": [[_ms(a), _ms(b)] for a, b in unknown_spans(gaps, edges, span, now, bound)],
        "suppressed": suppressed,
        "limits": _limits(cursor, span, asked),
    }


def _interval(cursor: Cursor, span: Span, asked: dict[str, Any]) -> timedelta:
    """As registered, or as observed where that is longer: a device that reports seldom is not unknown in between."""
    cursor.execute(SQL["usual"], asked)
    (usual,) = cursor.fetchone() or (None,)
    return usual if usual is not None and usual > ABOVE * span.interval else span.interval


def _drawn_interval(span: Span, thinned: bool) -> timedelta:
    """How far apart neighbours are drawn: the device's interval, or a slice when points were thinned out."""
    return max(span.interval, (span.end - span.begin) / SLICES) if thinned else span.interval


def _points(cursor: Cursor, span: Span, asked: dict[str, Any]) -> tuple[list[list[Any]], bool]:
    cursor.execute(SQL["count"], asked | {"bound": MOST_POINTS + 1})
    (count,) = cursor.fetchone() or (0,)
    thinned = count > MOST_POINTS
    if thinned:
        cursor.execute(SQL["extremes"], asked | {"slices": SLICES})
    else:
        cursor.execute(SQL["raw"], asked)
    late_after = max(GAP_INTERVALS * span.interval, LATE_AFTER)
    return [
        [_ms(at), value, quality, int(received_at - at > late_after)]
        for at, value, quality, received_at in cursor.fetchall()
    ], thinned


def _limits(cursor: Cursor, span: Span, asked: dict[str, Any]) -> list[dict[str, float | int | None]]:
    """What was in force and from when to when, in order; nothing where nothing was."""
    cursor.execute(SQL["limits"], asked | {"device": span.device, "metric": span.metric})
    return [
        {"from": _ms(begin), "to": _ms(end)} | dict(zip(LIMITS, values, strict=True))
        for begin, end, *values in cursor.fetchall()
    ]


def _without_point(now: datetime) -> dict[str, Any]:
    nothing: dict[str, Any] = {
        "device": None,
        "metric": None,
        "unit": "",
        "from": now,
        "to": now,
        "interval_s": 0,
    }
    return nothing | {
        "thinned": False,
        "points": [],
        "breaches": [],
        "unknown": [],
        "suppressed": [],
        "limits": [],
    }


def _ms(moment: datetime | None) -> int | None:
    return None if moment is None else to_us(moment) // 1000
