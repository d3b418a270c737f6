"""The rules about a device rather than a value: is it heard, is its clock right, is what it sends refused. Pure.

A device is looked at when a deadline of one of its points has passed, and from then on at every tick until that is
settled. A look changes nothing that was not due, so that looking more often, as after a restart, gives the same.
"""

from processors.judge import episodes, stream_time
from processors.judge.judged import Judged
from processors.judge.registry_view import RegistryView
from processors.judge.rules import clock, gateway_clock, refused, rule_of, silence
from processors.judge.state import HOUR_US, DeviceState, PartitionState, PointState
from schemas.profile import Profile
from schemas.reading import BY_RECORD, REFUSED, Line
from schemas.registry import KNOWN_AFTER_US, Device


def clock_line(
    state: PartitionState, line: Line, registry: RegistryView, judged: Judged, written_us: int
) -> None:
    """A gateway's time, in a record that Kafka stamped with written_us: stream time goes on."""
    stream_us, said = stream_time.hear(state.gateways, line, written_us)
    judged.findings += [gateway_clock.finding_of(run, words, written_us) for run, words in said]
    if stream_us > state.stream_us:
        state.stalls = silence.note_jump(state.stalls, state.stream_us, stream_us)
        state.stream_us = stream_us
        state.turn_hour(stream_us - stream_us % HOUR_US)
        _tick(state, registry, judged)


def _tick(state: PartitionState, registry: RegistryView, judged: Judged) -> None:
    overdue, state.overdue = state.overdue, set()
    due = [device for device in state.take_checks() if not _heard_lately(state, device, registry)]
    changed = registry.changing(state.looked_us, state.stream_us) & state.devices.keys()
    state.looked_us = state.stream_us
    for name in sorted({device.id for device in due} | overdue | changed):
        _look(state, state.devices[name], registry, judged)
    for name in sorted(state.refusing):
        _end_refusals(state, state.devices[name], registry, judged)


def _heard_lately(state: PartitionState, device: DeviceState, registry: RegistryView) -> bool:
    """The usual case, made short: nothing is open and no point's deadline has passed. Plans the next look then."""
    points = device.points
    if not points or device.silence is not None or device.clock is not None:
        return False
    received_us = points[0].received if len(points) == 1 else min([point.received for point in points])
    earliest_us = received_us + registry.silence_window(points[0].facts, device.heard_us())
    if earliest_us < state.stream_us:
        return False
    state.check_at(device, earliest_us)
    return True


def _look(state: PartitionState, device: DeviceState, registry: RegistryView, judged: Judged) -> None:
    if not device.points:
        return
    known = registry.known_device(device.id)
    wide = _device_profile(device.id, registry, state.stream_us)
    retired_us = known.retired_us if known is not None else None
    if known is not None and retired_us is not None and retired_us + KNOWN_AFTER_US <= state.stream_us:
        _retire(device, known, wide, registry, judged, state.stream_us)
        return
    measured = _end_unmeasured(state, device, wide, registry, judged)
    if measured and device.silence is None:
        window_us = registry.silence_window(device.points[0].facts, device.heard_us())
        _look_for_silence(state, device, measured, window_us, wide, judged)


def _end_unmeasured(
    state: PartitionState, device: DeviceState, wide: Profile, registry: RegistryView, judged: Judged
) -> list[PointState]:
    """Ends what goes on for points that the device, being of another kind now, measures no more; returns the others."""
    measured, since_us = [], 0
    for point in device.points:
        facts = registry.point(point.facts.id, state.stream_us) or point.facts
        if facts.measured:
            measured.append(point)
        else:
            since_us = facts.from_us
            _end_point(point, since_us, "kind_changed", wide, registry, judged, state.stream_us)
    if not measured and device.silence:
        _, said = silence.step(device.silence, max(since_us, device.heard_us()))
        device.silence = None
        judged.say("silence", said, device.id, wide, state.stream_us, state.stream_us)
    return measured


def _look_for_silence(
    state: PartitionState,
    device: DeviceState,
    points: list[PointState],
    window_us: int,
    wide: Profile,
    judged: Judged,
) -> None:
    """Of the device, and of the points that it measures."""
    stream_us, stalls = state.stream_us, state.stalls
    heard_us = device.heard_us()
    device.silence, said = silence.tick(heard_us, stream_us, window_us, stalls)
    if said:
        judged.say("silence", said, device.id, wide, stream_us, stream_us)
        for point in points:
            _make_unknown(point, judged)
        return
    # never later than a window from now: a stall's allowance ends with the next reading
    next_us = min(silence.deadline(heard_us, window_us, stalls), stream_us + window_us)
    read_us = max(point.received for point in points)
    for point in points:
        if point.silence is not None:
            continue
        deadline_us = silence.deadline(point.received, window_us, stalls)
        if stream_us <= deadline_us:
            next_us = min(next_us, deadline_us)
        elif read_us <= point.received + window_us:
            # No point of it is read while its messages are refused: unknown, and `refused` or `clock` says why.
            _make_unknown(point, judged)
            state.overdue.add(device.id)
        else:
            point.silence, said = silence.tick(point.received, stream_us, window_us, stalls)
            if said:
                judged.say("silence", said, device.id, wide, stream_us, stream_us, point.facts)
                _make_unknown(point, judged)
    state.check_at(device, next_us)


def _make_unknown(point: PointState, judged: Judged) -> None:
    point.close_guard()
    judged.show(point, "unknown", point.received)


def _retire(
    device: DeviceState, known: Device, wide: Profile, registry: RegistryView, judged: Judged, stream_us: int
) -> None:
    """Nothing goes on for a retired device: nobody could end it any more."""
    end_us = known.retired_us or stream_us
    if device.silence:
        _, said = silence.step(device.silence, end_us)
        device.silence = None
        judged.say("silence", said, device.id, wide, stream_us, stream_us)
    for point in device.points:
        _end_point(point, end_us, "retired", wide, registry, judged, stream_us)
    if device.clock:
        said = clock.end(device.clock, end_us)
        device.clock = None
        judged.say("clock", said, device.id, wide, stream_us, stream_us)


def _end_point(
    point: PointState,
    end_us: int,
    reason: str,
    wide: Profile,
    registry: RegistryView,
    judged: Judged,
    stream_us: int,
) -> None:
    """Nothing goes on for a point that is measured no more."""
    device = point.device.id
    if point.silence:
        _, said = silence.step(point.silence, max(end_us, point.received))
        point.silence = None
        judged.say("silence", said, device, wide, stream_us, stream_us, point.facts)
    if point.breach:
        ended = episodes.end(point.breach, max(end_us, point.last))
        point.breach = None
        if ended:
            rule, profile = rule_of(point.facts.metric), _point_profile(point, registry, end_us)
            ended = ended._replace(detail={"reason": reason})
            judged.say(rule, ended, device, profile, stream_us, stream_us, point.facts)


def _end_refusals(state: PartitionState, device: DeviceState, registry: RegistryView, judged: Judged) -> None:
    if device.refused is None:
        return
    wide = _device_profile(device.id, registry, state.stream_us)
    device.refused, said = refused.tick(device.refused, state.stream_us, wide)
    if said:
        state.refusing.discard(device.id)
        judged.say("refused", said, device.id, wide, state.stream_us, state.stream_us)


def heard(
    state: PartitionState,
    point: PointState,
    received_us: int,
    wide: Profile,
    registry: RegistryView,
    judged: Judged,
) -> None:
    """A reading of a point was received: silences end, the next look is planned."""
    if received_us <= point.received:
        return
    if point.silence:
        _, said = silence.step(point.silence, received_us)
        point.silence = None
        judged.say("silence", said, point.device.id, wide, received_us, received_us, point.facts)
    point.received = received_us
    window_us = registry.silence_window(point.facts, received_us)
    _device_heard(state, point.device, received_us, window_us, wide, judged)


def _device_heard(
    state: PartitionState,
    device: DeviceState,
    received_us: int,
    window_us: int,
    wide: Profile,
    judged: Judged,
) -> None:
    if device.silence and received_us > device.silence.start_us:
        _, said = silence.step(device.silence, received_us)
        device.silence = None
        judged.say("silence", said, device.id, wide, received_us, received_us)
        state.overdue.add(device.id)
    state.check_at(device, received_us + window_us)


def refused_line(state: PartitionState, line: Line, registry: RegistryView, judged: Judged) -> None:
    """A message of the device was refused: it was heard, and one of two rules opens."""
    device, code = state.device(line.d), line.n[len(REFUSED) :]
    if line.r < device.refused_us or (line.r == device.refused_us and code in device.refused_codes):
        return  # the same line once more
    if line.r > device.refused_us:
        device.refused_us, device.refused_codes = line.r, []
    device.refused_codes.append(code)
    wide = _device_profile(line.d, registry, line.r)
    if device.points:
        window_us = registry.silence_window(device.points[0].facts, line.r)
        _device_heard(state, device, line.r, window_us, wide, judged)
    if code == "clock":
        if line.q & BY_RECORD:
            return  # whose clock is wrong, nobody can tell: the gateway's is
        judge_clock(device, line.r, False, wide, judged)
        return
    device.refused, said = refused.step(device.refused, line.r, code)
    state.refusing.add(device.id)
    if said:
        judged.say("refused", said, device.id, wide, line.r, line.r)


def judge_clock(device: DeviceState, received_us: int, sound: bool, wide: Profile, judged: Judged) -> None:
    """One new time of the device, sound or not. While an episode runs no point of it takes the short way."""
    device.clock, said = clock.step(device.clock, received_us, sound)
    if said:
        judged.say("clock", said, device.id, wide, received_us, received_us)
        for point in device.points:
            point.close_guard()


def _point_profile(point: PointState, registry: RegistryView, at_us: int) -> Profile:
    profile, _ = registry.profile(point.facts.profile, point.facts.metric, at_us)
    return profile or registry.device_profile(point.facts.profile, at_us)


def _device_profile(device: str, registry: RegistryView, at_us: int) -> Profile:
    return registry.device_profile(registry.profile_of(device, at_us), at_us)
