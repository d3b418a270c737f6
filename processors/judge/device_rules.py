"""The loop over the rules about a device rather than a value: what it says, what of it is refused, time. Pure.

A device is looked at when a deadline of it has passed, and from then on at every tick until that is settled. A look
changes nothing that was not due, so that looking more often, as after a restart, gives the same.
"""

from processors.judge import point_rules, stalls, stream_time
from processors.judge.judged import Judged
from processors.judge.registry_view import FOREVER_US, PointFacts, RegistryView
from processors.judge.rule import DeviceRule, Heard, Looked, PointView, Refusal, View
from processors.judge.state import HOUR_US, DeviceState, PartitionState, PointState
from schemas.profile import Profile
from schemas.reading import BY_RECORD, REFUSED, Line
from schemas.registry import KNOWN_AFTER_US


def clock_line(
    state: PartitionState, line: Line, registry: RegistryView, judged: Judged, written_us: int
) -> None:
    """A gateway's time, in a record that Kafka stamped with written_us: stream time goes on."""
    stream_us, findings = stream_time.hear(state.gateways, line, written_us)
    judged.findings += findings
    if stream_us > state.stream_us:
        state.stalls = stalls.note_jump(state.stalls, state.stream_us, stream_us)
        state.stream_us = stream_us
        state.turn_hour(stream_us - stream_us % HOUR_US)
        _tick(state, registry, judged)


def heard(
    state: PartitionState,
    point: PointState,
    word: Heard,
    wide: Profile,
    registry: RegistryView,
    judged: Judged,
) -> None:
    """A reading of a point was received: the rules hear of it, the next look is planned."""
    device, table = point.device, point.device.table
    if not word.is_plain or table.every_reading or not device.is_calm():
        _hear(state, device, word, wide, judged)
    if word.newer:
        point.received = word.received_us
        window_us = registry.silence_window(point.facts, point.pace, word.received_us)
        state.check_at(device, word.received_us + window_us)


def sound_line(state: PartitionState, line: Line, registry: RegistryView, judged: Judged) -> None:
    """A message of the device without a reading was accepted."""
    device = state.device(line.d)
    if line.r <= device.accepted_us:
        return  # the same line once more
    device.accepted_us = line.r
    wide = _device_profile(line.d, registry, line.r)
    ahead_us = line.at - line.r
    off_us = ahead_us if ahead_us > wide.clock_ahead_us else 0
    _hear(state, device, Heard(0, line.r, newer=True, fresh=True, off_us=off_us), wide, judged)
    state.check_at(device, line.r + _window_of(device, registry, line.r))


def _hear(state: PartitionState, device: DeviceState, word: Heard, wide: Profile, judged: Judged) -> None:
    for index, rule in enumerate(device.table.device):
        if rule.heard:
            looked = rule.heard(device.states[index], word)
            _take(state, device, index, looked, wide, word.received_us, judged)


def refused_line(state: PartitionState, line: Line, registry: RegistryView, judged: Judged) -> None:
    """A message of the device was refused: it was heard all the same. Again: the same line once more, or a late one."""
    refusal = Refusal(line.r, line.n[len(REFUSED) :], bool(line.q & BY_RECORD), bool(line.v))
    refused(state, line.d, refusal, registry, judged)


def refused(
    state: PartitionState, name: str, refusal: Refusal, registry: RegistryView, judged: Judged
) -> None:
    """Something of the device was refused, at the door or here."""
    device, received_us, code = state.device(name), refusal.received_us, refusal.code
    again = received_us < device.refused_us or (
        received_us == device.refused_us and code in device.refused_codes
    )
    if received_us > device.refused_us:
        device.refused_us, device.refused_codes = received_us, []
    if not again:
        device.refused_codes.append(code)
    wide = _device_profile(name, registry, received_us)
    for index, rule in enumerate(device.table.device):
        if rule.refused and (rule.every_refusal or not again):
            looked = rule.refused(device.states[index], refusal, wide)
            _take(state, device, index, looked, wide, received_us, judged)
    if device.points or device.accepted_us:
        state.check_at(device, received_us + _window_of(device, registry, received_us))


# ---------------------------------------------------------------------- time


def _tick(state: PartitionState, registry: RegistryView, judged: Judged) -> None:
    overdue, state.overdue = state.overdue, set()
    due = [device for device in state.take_checks() if not _heard_lately(state, device, registry)]
    changed = registry.changing(state.looked_us, state.stream_us) & state.devices.keys()
    state.looked_us = state.stream_us
    for name in sorted({device.id for device in due} | overdue | changed):
        _look(state, state.devices[name], registry, judged)
    for number in sorted(state.ticking):
        point = state.points[number]
        profile, _ = registry.profile(point.facts.profile, point.facts.metric, state.stream_us)
        point_rules.tick(state, point, profile, judged)


def _heard_lately(state: PartitionState, device: DeviceState, registry: RegistryView) -> bool:
    """The usual case, made short: nothing goes on and no point's deadline has passed. Plans the next look then."""
    points = device.points
    if not points or not device.is_calm():
        return False
    heard_us = device.heard_us()
    earliest_us = min(
        [point.received + registry.silence_window(point.facts, point.pace, heard_us) for point in points]
    )
    if earliest_us < state.stream_us:
        return False
    state.check_at(device, earliest_us)
    return True


def _look(state: PartitionState, device: DeviceState, registry: RegistryView, judged: Judged) -> None:
    known = registry.known_device(device.id)
    wide = _device_profile(device.id, registry, state.stream_us)
    retired_us = known.retired_us if known is not None else None
    if retired_us is not None and retired_us + KNOWN_AFTER_US <= state.stream_us:
        _retire(state, device, retired_us, wide, registry, judged)
        return
    heard_us = device.heard_us()
    points = tuple(_view_of(state, point, registry, heard_us, judged) for point in device.points)
    window_us = _window_of(device, registry, heard_us)
    view = View(state.stream_us, heard_us, bool(device.accepted_us), window_us, points, state.stalls)
    for index, rule in enumerate(device.table.device):
        if rule.tick:
            looked = rule.tick(device.states[index], view, wide)
            _take(state, device, index, looked, wide, state.stream_us, judged)


def _window_of(device: DeviceState, registry: RegistryView, heard_us: int) -> int:
    """How long the device may be unheard: as long as the quickest of its points."""
    if not device.points:
        return registry.device_window(device.id, heard_us)
    return min([registry.silence_window(point.facts, point.pace, heard_us) for point in device.points])


def _view_of(
    state: PartitionState, point: PointState, registry: RegistryView, heard_us: int, judged: Judged
) -> PointView:
    """Ends what goes on for a point that the device, being of another kind now, measures no more; and by a profile that
    is gone, where no sample comes any more that would end it."""
    facts = registry.point(point.facts.id, state.stream_us) or point.facts
    window_us = registry.silence_window(point.facts, point.pace, heard_us)
    if facts.measured:
        if state.stream_us > point.received + window_us:
            _leave_profile(state, point, facts, registry, judged)
        return PointView(facts.id, point.received, None, window_us)
    profile = _point_profile(point, registry, facts.from_us)
    point_rules.end(point, facts.from_us, "kind_changed", profile, state.stream_us, judged)
    state.ticking.discard(facts.id)
    return PointView(facts.id, point.received, facts.from_us, window_us)


def _leave_profile(
    state: PartitionState, point: PointState, facts: PointFacts, registry: RegistryView, judged: Judged
) -> None:
    if registry.profile(facts.profile, facts.metric, state.stream_us)[0] is None:
        wide = registry.device_profile(facts.profile, state.stream_us)
        point_rules.end_by_profile(point, state.stream_us, wide, judged)


def _retire(
    state: PartitionState,
    device: DeviceState,
    end_us: int,
    wide: Profile,
    registry: RegistryView,
    judged: Judged,
) -> None:
    """Nothing goes on for a retired device: nobody could end it any more."""
    for index, rule in enumerate(device.table.device):
        kept = device.states[index]
        if kept is not None:
            looked = Looked(None, rule.retire(kept, end_us))
            _take(state, device, index, looked, wide, state.stream_us, judged)
    for point in device.points:
        profile = _point_profile(point, registry, end_us)
        point_rules.end(point, end_us, "retired", profile, state.stream_us, judged)
        state.ticking.discard(point.facts.id)


# ---------------------------------------------------------------------- what a rule's word comes to


def _take(
    state: PartitionState,
    device: DeviceState,
    index: int,
    looked: Looked,
    wide: Profile,
    time_us: int,
    judged: Judged,
) -> None:
    """Keeps the state, makes findings of what was said, plans the next look. time_us: of the word, or stream time."""
    device.states[index] = looked.state
    if looked.said:
        _say(state, device, device.table.device[index], looked, wide, time_us, judged)
    for number in looked.unknown:
        point = state.points[number]
        point.close_guard()
        judged.show(point, "unknown", point.received)
    if looked.look_us <= state.stream_us:
        state.overdue.add(device.id)
    elif looked.look_us < FOREVER_US:
        state.check_at(device, looked.look_us)


def _say(
    state: PartitionState,
    device: DeviceState,
    rule: DeviceRule,
    looked: Looked,
    wide: Profile,
    time_us: int,
    judged: Judged,
) -> None:
    for said in looked.said:
        point = state.points[said.point] if said.point else None
        told, facts = (point.told, point.facts) if point else (device.told, None)
        judged.say(rule, said, told, device.id, wide, time_us, time_us, facts)
    for point in device.points:
        point.close_guard()


def _point_profile(point: PointState, registry: RegistryView, at_us: int) -> Profile:
    profile, _ = registry.profile(point.facts.profile, point.facts.metric, at_us)
    return profile or registry.device_profile(point.facts.profile, at_us)


def _device_profile(device: str, registry: RegistryView, at_us: int) -> Profile:
    return registry.device_profile(registry.profile_of(device, at_us), at_us)
