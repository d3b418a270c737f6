"""The judge's pure heart: lines of one partition in, rows, findings and the next state out.

Order: a sample ahead of its point's newest steps the rules (the live lane); one behind it is only stored and noted for
judging again. An in-range sample of a calm point takes the short way in `judge`: one look-up, a few comparisons,
one `struct.pack`. Everything else takes `_reading`. No clock is read here: time comes from the lines.
"""

import struct
from collections.abc import Sequence
from math import isfinite
from typing import Final

from processors.judge import device_rules, pace, point_rules
from processors.judge.judged import PG_EPOCH_US, ROW, Bad, Hole, Judged, Merge, pack_row
from processors.judge.registry_view import FOREVER_US, RegistryView
from processors.judge.rule import Heard, Refusal
from processors.judge.state import HOUR_US, PartitionState, PointState
from schemas.profile import Profile
from schemas.reading import CLOCK, MAX_SEQ, NOT_EVALUATED, QUALITY, REFUSED, SOUND, Line

CONFLICT: Final = "conflict"
"""The code of a reading whose identity has another value already."""
MAX_FLAGGED: Final = 64
MAX_BEHIND_US: Final = 31 * 24 * 3_600_000_000
MAX_AHEAD_US: Final = 3_600_000_000
MAX_RUNS: Final = 64


def judge(
    state: PartitionState,
    lines: Sequence[Line],
    registry: RegistryView,
    judged: Judged,
    position: int = 0,
    written_us: int = 0,
) -> None:
    """Judges one pack's lines, in order. Changes `state`, adds to `judged`; never raises for what a line says.

    written_us: Kafka's time of the pack; 0 holds no gateway's clock against it.
    """
    if state.registry_number != registry.number:
        _adopt(state, registry)
    until = _short_until(state)
    find, add, pack = state.points.get, judged.rows.append, ROW.pack
    for ordinal, line in enumerate(lines):
        point = find(line.p)
        if point is not None:
            at, received, value = line.at, line.r, line.v
            if (
                point.high < at < point.until
                and at - point.high <= point.reach
                and point.lo <= value <= point.hi
                and line.q <= NOT_EVALUATED
                and at - received <= point.ahead
                and point.received <= received < until
            ):
                try:
                    add(
                        pack(6, 4, line.p, 8, at - PG_EPOCH_US, 8, line.seq, 8, value,
                             2, line.q, 8, received - PG_EPOCH_US)
                    )  # fmt: skip
                except struct.error:
                    judged.bad.append(_bad(line, position, ordinal, "a number does not fit"))
                    continue
                point.high = point.last = at
                point.seq = line.seq
                point.value = value
                point.received = received
                point.values += 1
                continue
        if line.p:
            _reading(state, line, registry, judged, position, ordinal)
        else:
            _note(state, line, registry, judged, position, ordinal, written_us)
        until = _short_until(state)


def _short_until(state: PartitionState) -> int:
    """The received time from which the short way is closed: the hour ends, or other facts hold of some device."""
    return min(state.hour_us + HOUR_US, state.changes_us)


def account(state: PartitionState, run: str, count: int, total: int, position: int, judged: Judged) -> None:
    """Holds a pack's running total against the one before it; a pack sent twice is no hole."""
    expected = state.totals.pop(run, 0) + count
    if total > expected:
        judged.holes.append(Hole(run, position, expected, total))
    state.totals[run] = max(total, expected - count)
    while len(state.totals) > MAX_RUNS:
        del state.totals[next(iter(state.totals))]


def _note(
    state: PartitionState,
    line: Line,
    registry: RegistryView,
    judged: Judged,
    position: int,
    ordinal: int,
    written_us: int,
) -> None:
    sane = line.at if line.n == CLOCK else line.r
    if not 0 < sane < FOREVER_US:
        judged.bad.append(_bad(line, position, ordinal, "no time"))
    elif line.n == CLOCK:
        device_rules.clock_line(state, line, registry, judged, written_us)
    elif line.n.startswith(REFUSED) and registry.device(line.d) is not None:
        device_rules.refused_line(state, line, registry, judged)
    elif line.n == SOUND and 0 < line.at < FOREVER_US and registry.device(line.d) is not None:
        device_rules.sound_line(state, line, registry, judged)
    else:
        judged.bad.append(_bad(line, position, ordinal, "neither a reading nor a note about a known device"))


def _reading(
    state: PartitionState, line: Line, registry: RegistryView, judged: Judged, position: int, ordinal: int
) -> None:
    point = _point(state, line, registry) if _sane(line) else None
    if point is None:
        judged.bad.append(_bad(line, position, ordinal, "no such point, or a number that cannot be"))
        return
    if line.r >= state.changes_us:
        _pass_changes(state, registry, line.r)
    if not point.facts.from_us <= line.r < point.facts.until_us:
        point.facts = registry.point(line.p, line.r) or point.facts
    state.count(point, line.r)
    profile, until = registry.profile(point.facts.profile, point.facts.metric, line.at)
    wide = registry.device_profile(point.facts.profile, line.r)
    identity = (line.at, line.seq)
    fresh = identity > (point.last, point.seq) and identity not in point.flagged
    flagged = is_flagged(line, wide)
    if line.at > point.high:
        point.high = line.at
        judged.rows.append(pack_row(line))
    else:
        judged.merges.append(Merge(position, ordinal, line, behind=not fresh and not flagged))
    if fresh and not flagged:
        point_rules.note_pace(point, line)
    device_rules.heard(state, point, _heard(point, line, fresh, wide), wide, registry, judged)
    if identity == (point.last, point.seq) and point.value not in (None, line.v):
        device_rules.refused(state, line.d or point.facts.device, Refusal(line.r, CONFLICT), registry, judged)
    if fresh and flagged:
        point.flagged = [*point.flagged, identity][-MAX_FLAGGED:]
    elif fresh:
        point_rules.step(point, line, profile, judged)
        if state.table.ticks:
            point_rules.note_ticking(state, point)
    if point.facts.until_us <= state.passed_us:
        point.close_guard()  # it came late: others know better facts by now
    else:
        _arm(point, profile, wide, until, state.hour_us)


def _heard(point: PointState, line: Line, fresh: bool, wide: Profile) -> Heard:
    ahead_us, declared_us = line.at - line.r, point.facts.interval_us
    off_us = (
        ahead_us if ahead_us > wide.clock_ahead_us else -pace.behind_us(point.pace, -ahead_us, declared_us)
    )
    return Heard(line.p, line.r, line.r > point.received, fresh, off_us, declared_us, point.pace.usual_us)


def is_flagged(line: Line, wide: Profile) -> bool:
    """A sample that neither opens nor closes: of bad quality, or too far ahead of the time it was received."""
    return line.q & QUALITY > NOT_EVALUATED or line.at - line.r > wide.clock_ahead_us


def _arm(point: PointState, profile: Profile | None, wide: Profile, until_us: int, hour_us: int) -> None:
    """Opens the short way for a point with nothing going on that was heard in the running hour.

    `turn_hour` closes it, so that what is not received before the point's newest is of this hour too. It stays closed
    for the samples that tell the point's pace.
    """
    busy = point.flagged or point.shown != point_rules.IN_RANGE or point.received < hour_us
    busy = busy or point.high != point.last or not pace.is_settled(point.pace, point.facts.interval_us)
    if busy or point.device.blocks(point.facts.id):
        point.close_guard()
        return
    point.lo, point.hi, guarded_us = point_rules.guard(point, profile)
    next_us = point.last - point.last % HOUR_US + HOUR_US
    point.until, point.ahead = min(until_us, guarded_us, next_us), wide.clock_ahead_us
    point.reach = pace.reach_us(point.facts.interval_us)


def _adopt(state: PartitionState, registry: RegistryView) -> None:
    """The registry has changed: what was derived of the changed devices is derived again."""
    for name in registry.changed_since(state.registry_number):
        if device := state.devices.get(name):
            for point in device.points:
                point.facts = registry.point(point.facts.id, point.received) or point.facts
                point.close_guard()
            state.overdue.add(name)
    state.changes_us = 0
    state.registry_number = registry.number


def _pass_changes(state: PartitionState, registry: RegistryView, received_us: int) -> None:
    """Received times have come to where other facts hold of some devices: these are looked up again."""
    for name in registry.changing(state.passed_us, received_us):
        if device := state.devices.get(name):
            for point in device.points:
                point.close_guard()
    state.passed_us = max(state.passed_us, received_us)
    state.changes_us = registry.next_change(state.passed_us)


def _point(state: PartitionState, line: Line, registry: RegistryView) -> PointState | None:
    point = state.points.get(line.p)
    if point is None and (facts := registry.point(line.p, line.r)) is not None:
        point = state.add_point(facts)
    return point


def _sane(line: Line) -> bool:
    """What the columns and the arithmetic can take; admission is stricter, but others may write to the topic."""
    return (
        0 < line.p < 2**31
        and 0 < line.r < FOREVER_US
        and -MAX_BEHIND_US < line.at - line.r < MAX_AHEAD_US
        and line.at > 0
        and 0 <= line.seq <= MAX_SEQ
        and 0 <= line.q < 2**15
        and isfinite(line.v)
    )


def _bad(line: Line, position: int, ordinal: int, detail: str) -> Bad:
    return Bad(position, ordinal, repr(line).encode(), detail)
