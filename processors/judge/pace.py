"""At what pace a point is heard: its usual gap, and how far its times lie behind those at which they arrive. Pure.

A few samples are kept of each point, chosen by the samples alone (`wants`), so that a restart or another split of the
stream changes nothing: the first ones, the first of every hour of event time, one behind a gap that is too long, what
follows such an exception, and those of a point for which a rule keeps a state.
"""

from typing import Final

import msgspec

KEPT: Final = 5
ENOUGH: Final = 3
"""Gaps from which the usual one is known; the rest of KEPT come with the hours."""
ABOVE: Final = 1.5
"""A gap is above another when it is so many times as long."""
HOUR_US: Final = 3_600_000_000
BEHIND_US: Final = 120_000_000
"""Our default (D): an offset above this, and above the interval, is no transport."""
LIVE_BELOW_US: Final = 600_000_000
"""A steady offset below this is taken off the lateness of what arrives."""


class Pace(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Of the last samples that were chosen: the gap before each in event time, and received minus measured.

    steady_us: the newest offset that held for KEPT samples, 0 before there was one. usual_us: the median gap, the lower
    one of two; 0 while it is not known. longest_us: the longest of the gaps.
    """

    gaps_us: tuple[int, ...] = ()
    offsets_us: tuple[int, ...] = ()
    steady_us: int = 0
    usual_us: int = 0
    longest_us: int = 0

    @property
    def offset_us(self) -> int:
        """What is taken off the lateness of a message that arrives."""
        return self.steady_us if 0 < self.steady_us < LIVE_BELOW_US else 0


NONE: Final = Pace()


def interval_us(pace: Pace, declared_us: int) -> int:
    """The interval to judge by: as declared, or the usual gap where that is above it."""
    usual_us = pace.usual_us
    return usual_us if usual_us > ABOVE * declared_us else declared_us


def wants(pace: Pace, last_us: int, at_us: int, declared_us: int) -> bool:
    """Whether the sample after the one at last_us is kept of a point for which nothing goes on; else it always is."""
    if at_us // HOUR_US != last_us // HOUR_US or is_above(at_us - last_us, declared_us):
        return True
    return not is_settled(pace, declared_us)


def is_settled(pace: Pace, declared_us: int) -> bool:
    """The pace is known and as registered, without an exception among the samples kept: all that follow one are, since
    some of them alone would not tell how usual it is."""
    if len(pace.gaps_us) < ENOUGH or abs(pace.offsets_us[-1] - pace.steady_us) > BEHIND_US:
        return False
    return pace.longest_us <= ABOVE * declared_us


def is_above(gap_us: int, declared_us: int) -> bool:
    """Whether a gap, or the usual one, is longer than a device of this interval should have."""
    return gap_us > ABOVE * declared_us


def reach_us(declared_us: int) -> int:
    """The longest gap that is as registered."""
    return int(ABOVE * declared_us)


def note(pace: Pace, gap_us: int, offset_us: int, declared_us: int) -> Pace:
    """One sample more. The offset is steady when KEPT of them differ by an interval at the most."""
    gaps = (*pace.gaps_us, gap_us)[-KEPT:]
    offsets = (*pace.offsets_us, offset_us)[-KEPT:]
    ordered = sorted(gaps)
    usual_us = ordered[(len(ordered) - 1) // 2] if len(ordered) >= ENOUGH else 0
    longest_us, steady_us = ordered[-1], pace.steady_us
    within_us = usual_us if is_above(usual_us, declared_us) else declared_us
    if len(offsets) == KEPT and max(offsets) - min(offsets) <= within_us:
        steady_us = sorted(offsets)[KEPT // 2]
    return Pace(gaps, offsets, steady_us, usual_us, longest_us)


def behind_us(pace: Pace, offset_us: int, declared_us: int) -> int:
    """By how much the clock that set a message's time is behind: its offset is the steady one, and no transport's.

    0 when it is not, or nobody can tell yet.
    """
    steady_us = pace.steady_us
    if steady_us <= BEHIND_US:
        return 0
    limit_us = max(BEHIND_US, interval_us(pace, declared_us))
    return steady_us if steady_us > limit_us and abs(offset_us - steady_us) <= limit_us else 0
