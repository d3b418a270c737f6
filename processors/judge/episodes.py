"""The episode of one point outside its limits: start, measured time, peak, end. Pure; shared by excursion and door.

An episode starts at the first sample out of limits. Its dwell counts the spans that begin with such a sample and are no
longer than the profile's slack: a longer one counts nothing and ends nothing, so that silence never makes a breach.
Until the dwell is reached, one sample that complies ends the run; after that only k in a row inside by the hysteresis.
"""

from math import inf, nextafter
from typing import Final

import msgspec

from processors.judge.rule import CLOSED, Guard, Said, Sample, Stepped
from schemas.finding import Change, Severity
from schemas.profile import Profile

LOW: Final = 1
HIGH: Final = 2
MINUTE_US: Final = 60_000_000
SLACK_INTERVALS: Final = 3
SLACK_AT_LEAST_US: Final = 600_000_000
"""Our default (D) where the profile gives no slack."""


class Breach(msgspec.Struct, gc=False):
    """A running episode. `version` 0: the dwell has not been reached, nobody has been told.

    sides: LOW | HIGH, the limits crossed so far. inside: samples in a row back inside, the first at inside_us.
    counts: whether the span that the newest sample begins counts: it was out of limits, and not suppressed.
    """

    start_us: int
    sides: int
    peak: float
    limit: float
    severity: int
    measured_us: int = 0
    inside: int = 0
    inside_us: int = 0
    version: int = 0
    counts: bool = True


def band(profile: Profile) -> tuple[float, float]:
    """The closed interval of values that comply: exclusive limits are moved by one floating point step."""
    low, high = profile.low, profile.high
    lowest = -inf if low is None else low if profile.low_inclusive else nextafter(low, inf)
    highest = inf if high is None else high if profile.high_inclusive else nextafter(high, -inf)
    return lowest, highest


def side_of(value: float, profile: Profile) -> int:
    """LOW, HIGH or 0 when the value complies."""
    lowest, highest = band(profile)
    return LOW if value < lowest else HIGH if value > highest else 0


def severity_of(value: float, profile: Profile) -> Severity:
    """Of a value out of limits: inside the tolerance YELLOW, beyond ORANGE, beyond the reject line RED."""
    if _beyond(value, profile.reject_low, profile.reject_high):
        return Severity.RED
    return Severity.YELLOW if within_tolerance(value, profile) else Severity.ORANGE


def within_tolerance(value: float, profile: Profile) -> bool:
    """True when a tolerance is given on the side that the value crossed and it holds."""
    tolerance = profile.tolerance_low if side_of(value, profile) == LOW else profile.tolerance_high
    return tolerance is not None and not _beyond(value, profile.tolerance_low, profile.tolerance_high)


def grace_reason(at_us: int, value: float, profile: Profile) -> str:
    """Why a breach is suppressed now: a grace window while the value is inside the tolerance. "" when it is not."""
    if not profile.grace or not within_tolerance(value, profile):
        return ""
    for window in profile.grace:
        minute = (at_us // MINUTE_US + window.utc_offset_minutes) % 1440
        first, last = window.from_minute, window.to_minute
        if first <= minute < last if first <= last else (minute >= first or minute < last):
            return window.reason
    return ""


def judge_sample(breach: Breach | None, sample: Sample, profile: Profile) -> Stepped:
    """Steps the episode with one sample. One that a grace window suppresses opens nothing and counts nothing; of an
    episode that has opened it is a sample out of limits like any other.
    """
    out = side_of(sample.value, profile)
    reason = grace_reason(sample.at_us, sample.value, profile) if out else ""
    breach, said = step(breach, sample, profile, suppressed=bool(reason))
    told = breach is not None and breach.version
    return Stepped(breach, (said,) if said else (), suppressed="" if told else reason)


def guard(breach: Breach | None, profile: Profile | None) -> Guard:
    """While nothing goes on, a value that complies changes nothing."""
    if breach is not None:
        return CLOSED
    return Guard(*band(profile)) if profile else Guard()


def breach_since(breach: Breach) -> int | None:
    """None before anybody was told of it."""
    return breach.start_us if breach.version else None


def pending_since(breach: Breach) -> int | None:
    """None once somebody was told of it."""
    return None if breach.version else breach.start_us


def step(
    breach: Breach | None, sample: Sample, profile: Profile, suppressed: bool = False
) -> tuple[Breach | None, Said | None]:
    """One sound sample in event order.

    Returns the episode as it goes on (None: none runs) and what is to be said now.
    """
    at_us, value = sample.at_us, sample.value
    side = side_of(value, profile)
    if breach is None:
        return _start(at_us, value, side, profile) if side and not suppressed else (None, None)
    if breach.counts and sample.gap_us <= slack_us(profile, sample.interval_us):
        breach.measured_us += sample.gap_us
    breach.counts = bool(side) and not suppressed
    if _is_of_other_limits(breach, profile):
        if not side:
            return None, _outdated(breach, at_us)
        _hold_against(breach, value, side, profile)
    if side:
        return breach, _worsen(breach, value, side, profile)
    return _recover(breach, at_us, value, profile) if breach.version else (None, None)


def slack_us(profile: Profile, interval_us: int) -> int:
    """How long a span between two samples may be and still count towards the dwell."""
    if profile.slack_us is not None:
        return profile.slack_us
    return max(SLACK_INTERVALS * interval_us, SLACK_AT_LEAST_US)


def opens(breach: Breach, profile: Profile) -> Said | None:
    """The opening, once the measured time has reached the dwell."""
    if breach.version or not breach.counts or breach.measured_us < profile.dwell_us:
        return None
    return _say(breach, Change.OPENED)


def end(breach: Breach, end_us: int, reason: str) -> Said | None:
    """Nothing more will come: the episode ends at end_us for that reason, if anybody had been told of it."""
    if not breach.version:
        return None
    return _say(breach, Change.CLOSED, end_us)._replace(detail={"reason": reason})


def _is_of_other_limits(breach: Breach, profile: Profile) -> bool:
    """Its limit is none of this row's, or its worst value is no breach by it."""
    return breach.limit not in (profile.low, profile.high) or not side_of(breach.peak, profile)


def _outdated(breach: Breach, at_us: int) -> Said | None:
    """Other limits hold, and by them there is no breach."""
    if not breach.version:
        return None
    return _say(breach, Change.CLOSED, at_us)._replace(detail={"reason": "profile_changed"})


def _hold_against(breach: Breach, value: float, side: int, profile: Profile) -> None:
    """Other limits hold, and by them it is a breach as well: it goes on, measured by them."""
    breach.sides, breach.limit = side, _limit(side, profile)
    if side_of(breach.peak, profile) != side:
        breach.peak = value


def _start(at_us: int, value: float, side: int, profile: Profile) -> tuple[Breach, Said | None]:
    breach = Breach(at_us, side, value, _limit(side, profile), severity_of(value, profile))
    return breach, opens(breach, profile)


def _worsen(breach: Breach, value: float, side: int, profile: Profile) -> Said | None:
    breach.inside = 0
    breach.sides |= side
    limit = _limit(side, profile)
    if abs(value - limit) > abs(breach.peak - breach.limit):
        breach.peak, breach.limit = value, limit
    severity = severity_of(value, profile)
    risen = severity < breach.severity
    breach.severity = min(breach.severity, severity)
    return _say(breach, Change.AMENDED) if risen and breach.version else opens(breach, profile)


def _recover(breach: Breach, at_us: int, value: float, profile: Profile) -> tuple[Breach | None, Said | None]:
    if not _inside(breach, value, profile):
        breach.inside = 0
        return breach, None
    if not breach.inside:
        breach.inside_us = at_us
    breach.inside += 1
    if breach.inside < profile.hysteresis_samples:
        return breach, None
    return None, _say(breach, Change.CLOSED, breach.inside_us)


def _inside(breach: Breach, value: float, profile: Profile) -> bool:
    """Inside by the hysteresis on each side that the episode crossed."""
    lowest, highest = band(profile)
    low = lowest + profile.hysteresis if breach.sides & LOW else lowest
    high = highest - profile.hysteresis if breach.sides & HIGH else highest
    return low <= value <= high


def _say(breach: Breach, change: Change, end_us: int | None = None) -> Said:
    breach.version += 1
    severity = Severity(breach.severity)
    return Said(change, breach.version, severity, breach.start_us, end_us, breach.peak, breach.limit)


def _limit(side: int, profile: Profile) -> float:
    limit = profile.low if side == LOW else profile.high
    assert limit is not None, "a value crosses only limits that exist"
    return float(limit)


def _beyond(value: float, low: float | None, high: float | None) -> bool:
    return (low is not None and value < low) or (high is not None and value > high)
