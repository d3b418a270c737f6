"""A profile: the dated limits and times that judge one metric, each row with its source.

Rows live in table `profile` (shipped ones in `tables/0002_profiles.sql`); a finding names the version that judged it.
Evidence: V read in the primary text, S secondary source, M memory (ships disabled), D our own default.
"""

from typing import Final

import msgspec

DEVICE_METRIC: Final = "*"
"""The metric of the row that holds a profile's device-wide numbers (silence, clock, refusals)."""


class GraceWindow(msgspec.Struct, frozen=True):
    """A daily window in local minutes of day [from, to) in which breaches inside the tolerance are suppressed."""

    from_minute: int
    to_minute: int
    reason: str
    utc_offset_minutes: int = 480


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """Limits of one metric in one version. None means "no such limit". Temperatures in Celsius.

    effective_from_us, ends_us: it holds in [from, ends), and no longer than until the next version's beginning.
    low/high: the legal limit; *_inclusive: the limit value itself complies.
    tolerance_*: beyond it a breach is a violation, inside it a warning; reject_*: beyond it, critical.
    dwell_us: measured time in breach before a finding opens. hysteresis, hysteresis_samples: how far and for how
    many samples a value must be back inside before the episode ends. slack_us: how long a gap between two samples may
    be and still count as measured; None: the larger of three intervals and ten minutes.
    """

    name: str
    version: int
    metric: str
    effective_from_us: int = 0
    ends_us: int | None = None
    low: float | None = None
    high: float | None = None
    low_inclusive: bool = True
    high_inclusive: bool = True
    tolerance_low: float | None = None
    tolerance_high: float | None = None
    reject_low: float | None = None
    reject_high: float | None = None
    dwell_us: int = 600_000_000
    hysteresis: float = 0.5
    hysteresis_samples: int = 2
    slack_us: int | None = None
    grace: tuple[GraceWindow, ...] = ()
    silence_intervals: float = 2.0
    clock_ahead_us: int = 60_000_000
    refused_quiet_us: int = 300_000_000
    source: str = ""
    clause: str = ""
    evidence: str = "D"
    enabled: bool = True
