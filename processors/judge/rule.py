"""What a rule is, by what it judges: pure functions over a state of its own, and the one sentence it can say.

A rule says nothing of others and is named by its table alone (`processors.judge.rules.TABLE`). Its state is a
`msgspec.Struct` that a checkpoint keeps under the rule's name: a new field needs a default, one that went is dropped.
None is the state of a rule for which nothing goes on.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from sys import float_info
from typing import Any, ClassVar, Final, NamedTuple

from processors.judge.pace import is_above
from processors.judge.registry_view import FOREVER_US
from processors.judge.stalls import Stall
from schemas.finding import Change, First, Severity, next_first
from schemas.profile import Profile
from schemas.result import Result

EVERY_SAMPLE_US: Final = 1_000_000
"""The budget of a rule that must see every sample: one of a point per second of event time, seldom more."""


class Said(NamedTuple):
    """One version of an episode in the rule's own words; the engine makes a `Finding` of it.

    start_us, end_us: event time for points, received time for devices. peak, limit: in the point's unit.
    point: of a device rule that speaks of one of the device's points, its id.
    """

    change: Change
    version: int
    severity: Severity
    start_us: int
    end_us: int | None = None
    peak: float | None = None
    limit: float | None = None
    detail: dict[str, str] = {}
    point: int = 0


def first_of(told: dict[str, First], rule: str, said: Said) -> First:
    """The first judged start of the episode that is spoken of; one that opens is noted in `told`, by rule."""
    if said.change is Change.OPENED:
        told[rule] = next_first(told.get(rule), said.start_us)
    return told.setdefault(rule, First(said.start_us))  # opened before starts were kept


# ---------------------------------------------------------------------- points


class Sample(NamedTuple):
    """A sound sample ahead of all of its point before it. gap_us: since that one, 0 for the first.

    interval_us: the interval that the device is registered with, or the usual gap of the point where that is longer.
    """

    at_us: int
    received_us: int
    value: float
    gap_us: int
    interval_us: int


class Stepped(NamedTuple):
    """What a sample, or time, has come to. suppressed: why a breach does not count now, "" when it does."""

    state: Any
    said: tuple[Said, ...] = ()
    suppressed: str = ""


class Guard(NamedTuple):
    """The values (a closed interval) and times (before until_us) for which a rule's step would say nothing and change
    nothing. A sample inside the guards of all of its point's rules takes the short way and is shown to none."""

    low: float = -float_info.max
    high: float = float_info.max
    until_us: int = FOREVER_US


CLOSED: Final = Guard(inf, -inf, 0)


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A rule as others see it. persistent: its episodes do not end by themselves, a person closes them."""

    name: str
    zh: str
    en: str
    persistent: bool = False
    scope: ClassVar[str]

    def explain(self, language: str) -> str:
        """What the rule watches, in `zh` or `en`."""
        return self.zh if language.startswith("zh") else self.en


@dataclass(frozen=True, kw_only=True)
class PointRule(Rule):
    """A rule over the values of one point.

    applies: whether it judges this metric. state: what it keeps while something goes on.
    step: a sample, held against the profile's row of the metric. tick: stream time went on while a state was kept.
    end: nothing more will come (retired, another kind, no profile any more), for that reason.
    guard: what the state as it is need not see. shows: since when the board shows a breach for it, None: it does not.
    pends: since when the board shows that one may be coming.
    every_sample: its guard holds for EVERY_SAMPLE_US at the most.
    by_profile: without a row it is neither stepped nor ticked, and the next sample ends what goes on. One that is not
    is given None then.
    """

    applies: Callable[[str], bool]
    state: type
    step: Callable[[Any, Sample, Any], Stepped]
    end: Callable[[Any, int, str], Said | None]
    guard: Callable[[Any, Profile | None], Guard]
    shows: Callable[[Any], int | None]
    pends: Callable[[Any], int | None] = lambda state: None
    tick: Callable[[Any, int, Profile | None], Stepped] | None = None
    every_sample: bool = False
    by_profile: bool = True
    scope = "point"


# ---------------------------------------------------------------------- devices


class Heard(NamedTuple):
    """A reading of one of the device's points was received.

    point: 0 for an accepted message without one (a result, a frame). newer: received later than all of the point
    before. fresh: a sample ahead of all of the point before. off_us: by how much the device's clock is ahead, or behind
    when negative; 0 while nothing says that it is wrong. declared_us, usual_us: the registered interval, and the
    point's usual gap (0: not known).
    """

    point: int
    received_us: int
    newer: bool
    fresh: bool
    off_us: int = 0
    declared_us: int = 0
    usual_us: int = 0

    @property
    def is_plain(self) -> bool:
        """It tells a rule that keeps no state nothing."""
        return not self.off_us and not is_above(self.usual_us, self.declared_us)


class Refusal(NamedTuple):
    """A message of the device was refused. by_record: received by Kafka's word, the gateway's clock being wrong.

    positive: it told of a positive test, as far as it could be read.
    """

    received_us: int
    code: str
    by_record: bool = False
    positive: bool = False


class PointView(NamedTuple):
    """received_us: newest received time. gone_us: since when the device, of another kind now, measures it no more.

    window_us: how long it may be unheard.
    """

    id: int
    received_us: int
    gone_us: int | None
    window_us: int


class View(NamedTuple):
    """A device as stream time passes. heard_us: when anything was last received of it, refused messages included.

    accepted: whether a message without a reading (a result, a frame) was ever accepted of it. window_us: how long it
    may be unheard. stalls: the jumps of stream time, which are nobody's silence.
    """

    stream_us: int
    heard_us: int
    accepted: bool
    window_us: int
    points: tuple[PointView, ...]
    stalls: tuple[Stall, ...]


class Looked(NamedTuple):
    """What a word of the device, or time, has come to.

    look_us: the stream time at which the rule wants its next tick. unknown: points of which nothing is known now.
    """

    state: Any
    said: tuple[Said, ...] = ()
    look_us: int = FOREVER_US
    unknown: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True)
class DeviceRule(Rule):
    """A rule about a device rather than a value; it is given the profile's device-wide row.

    heard: a message was accepted. While it keeps no state, one whose time is sound and whose pace is as registered
    must say nothing to it, unless it has `every_sample` (see `PointRule`). refused: a message was refused. tick: stream
    time has come to `look_us` or to the end of the device's window; ticks more often change nothing. retire: the device
    was retired at that time. blocks: whether a state needs every reading of that point. every_refusal: it is told of
    those, too, that come behind newer ones, and tells itself what was told twice.
    """

    state: type
    retire: Callable[[Any, int], tuple[Said, ...]]
    heard: Callable[[Any, Heard], Looked] | None = None
    refused: Callable[[Any, Refusal, Profile], Looked] | None = None
    tick: Callable[[Any, View, Profile], Looked] | None = None
    blocks: Callable[[Any, int], bool] = lambda state, point: False
    every_sample: bool = False
    every_refusal: bool = False
    scope = "device"


# ---------------------------------------------------------------------- results and gateways


@dataclass(frozen=True, kw_only=True)
class ResultRule(Rule):
    """A rule over stored results. step(result, version, severity): of the newest finding of its identity so far
    (0 and None: none). subject: whose finding it is."""

    step: Callable[[Result, int, int | None], Said | None]
    subject: Callable[[Result], str]
    scope = "result"


@dataclass(frozen=True, kw_only=True)
class GatewayRule(Rule):
    """A rule over the ingest gateways' clock lines; `processors.judge.stream_time` steps it."""

    scope = "gateway"
