"""The loop over the rules of a point: samples and time to each in table order, findings and the board. Pure."""

from processors.judge import pace
from processors.judge.judged import Judged, is_late
from processors.judge.registry_view import FOREVER_US, PointFacts
from processors.judge.rule import CLOSED, EVERY_SAMPLE_US, Guard, PointRule, Said, Sample, Stepped
from processors.judge.state import PartitionState, PointState
from schemas.profile import Profile
from schemas.reading import Line

IN_RANGE = "in_range"
BREACH = "breach"
PENDING = "pending"
SUPPRESSED = "suppressed"


def step(point: PointState, line: Line, profile: Profile | None, judged: Judged) -> None:
    """Steps the point's rules with a sound sample that is ahead of all before it, whose pace has been noted."""
    gap_us = line.at - point.last if point.last >= 0 else 0
    point.last, point.seq, point.value = line.at, line.seq, line.v
    if point.flagged:
        point.flagged = [identity for identity in point.flagged if identity > (line.at, line.seq)]
    sample = Sample(line.at, line.r, line.v, gap_us, point.interval_us)
    states, reason, in_range_us = point.states, "", line.at
    for index, rule in enumerate(point.rules):
        states[index], said, suppressed = _step(rule, states[index], sample, profile)
        if said:
            _say(point, rule, said, profile, line.at, line.r, judged)
            in_range_us = said[-1].end_us or in_range_us
        reason = suppressed or reason
    state, since_us = _state_of(point)
    if state != BREACH and reason:
        judged.show(point, SUPPRESSED, line.at, reason)
    else:
        judged.show(point, state, since_us if since_us < FOREVER_US else in_range_us)


def note_pace(point: PointState, line: Line) -> None:
    """Notes how the sample came, where it is one of those that tell the pace; before it is stepped."""
    declared_us = point.facts.interval_us
    if not 0 <= point.last < line.at:
        return
    if any(point.states) or pace.wants(point.pace, point.last, line.at, declared_us):
        point.pace = pace.note(point.pace, line.at - point.last, line.r - line.at, declared_us)


def tick(state: PartitionState, point: PointState, profile: Profile | None, judged: Judged) -> None:
    """Stream time went on for a point of which a rule wants to know that."""
    words: tuple[Said, ...] = ()
    for index, rule in enumerate(point.rules):
        kept = point.states[index]
        if kept is None or not rule.tick or (profile is None and rule.by_profile):
            continue
        stepped = rule.tick(kept, state.stream_us, profile)
        point.states[index] = stepped.state
        _say(point, rule, stepped.said, profile, state.stream_us, state.stream_us, judged)
        words += stepped.said
    if words:
        point.close_guard()
        _show_again(point, words[-1].end_us or state.stream_us, judged)
    note_ticking(state, point)


def note_ticking(state: PartitionState, point: PointState) -> None:
    """Keeps the set of points that want every tick."""
    kept = zip(point.rules, point.states, strict=True)
    if any(rule.tick and state is not None for rule, state in kept):
        state.ticking.add(point.facts.id)
    else:
        state.ticking.discard(point.facts.id)


def end(
    point: PointState, end_us: int, reason: str, profile: Profile, stream_us: int, judged: Judged
) -> None:
    """Nothing more comes of the point: what goes on ends, at its newest sample at the earliest."""
    for index, rule in enumerate(point.rules):
        kept, point.states[index] = point.states[index], None
        if kept is not None:
            said = rule.end(kept, max(end_us, point.last), reason)
            _say(point, rule, (said,) if said else (), profile, stream_us, stream_us, judged)


def end_by_profile(point: PointState, stream_us: int, wide: Profile, judged: Judged) -> None:
    """The profile has no row of the metric any more: what goes on by it ends."""
    for index, rule in enumerate(point.rules):
        kept = point.states[index]
        if kept is not None and rule.by_profile:
            point.states[index] = None
            said = rule.end(kept, max(stream_us, point.last), "profile_gone")
            _say(point, rule, (said,) if said else (), wide, stream_us, stream_us, judged)


def guard(point: PointState, profile: Profile | None) -> Guard:
    """What none of the point's rules, nor of its device's, need see; the newest sample is at `point.last`."""
    low, high, until_us = Guard()
    every = point.device.table.every_reading
    for rule, kept in zip(point.rules, point.states, strict=True):
        if profile is None and rule.by_profile:
            continue
        found = rule.guard(kept, profile)
        low, high, until_us = max(low, found.low), min(high, found.high), min(until_us, found.until_us)
        every = every or rule.every_sample
    if every:
        until_us = min(until_us, point.last + EVERY_SAMPLE_US)
    return Guard(low, high, until_us) if low <= high else CLOSED


def unprofiled(facts: PointFacts) -> Profile:
    """What a finding names when no row of the profile holds."""
    return Profile(name=facts.profile, version=0, metric=facts.metric)


def _show_again(point: PointState, in_range_us: int, judged: Judged) -> None:
    """Without a sample: of an unknown or suppressed point the board learns no more than it shows."""
    state, since_us = _state_of(point)
    if point.shown in (IN_RANGE, PENDING, BREACH):
        judged.show(point, state, since_us if since_us < FOREVER_US else in_range_us)


def _state_of(point: PointState) -> tuple[str, int]:
    """What the rules' states come to on the board, and since when; FOREVER_US where nothing goes on."""
    if not any(point.states):
        return IN_RANGE, FOREVER_US
    kept = [(rule, state) for rule, state in zip(point.rules, point.states, strict=True) if state is not None]
    breaches = [since_us for rule, state in kept if (since_us := rule.shows(state)) is not None]
    pending = [since_us for rule, state in kept if (since_us := rule.pends(state)) is not None]
    if breaches:
        return BREACH, min(breaches)
    return (PENDING, min(pending)) if pending else (IN_RANGE, FOREVER_US)


def _step(rule: PointRule, kept: object, sample: Sample, profile: Profile | None) -> Stepped:
    if profile is not None or not rule.by_profile:
        return rule.step(kept, sample, profile)
    ended = rule.end(kept, sample.at_us, "profile_gone") if kept is not None else None
    return Stepped(None, (ended,) if ended else ())


def _say(
    point: PointState,
    rule: PointRule,
    words: tuple[Said, ...],
    profile: Profile | None,
    measured_us: int,
    received_us: int,
    judged: Judged,
) -> None:
    late = is_late(measured_us, received_us - point.pace.offset_us, point.interval_us)
    for said in words:
        judged.say(
            rule, said, point.told, point.facts.device, profile or unprofiled(point.facts), measured_us,
            received_us, point.facts, late,
        )  # fmt: skip
