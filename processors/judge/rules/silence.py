"""Silence: nothing heard of a device, or of one of its points, for its interval times two.

The interval is the declared one, or the usual gap of the point where that is longer; `wrong_interval` says so then.

Compared are stream time and `received_at`, never `at`. A jump of stream time moves every deadline that was running by
the jump and a minute more (`processors.judge.stalls`), so that our fault is nobody's silence.
"""

from typing import Final

import msgspec

from processors.judge.rule import DeviceRule, Heard, Looked, PointView, Refusal, Said, View
from processors.judge.stalls import deadline
from schemas.finding import Change, Severity
from schemas.profile import Profile


class Silence(msgspec.Struct, gc=False):
    """A running silence; start_us: when it was last heard (received time)."""

    start_us: int
    version: int = 1


class Silences(msgspec.Struct):
    """Of the device, and of those of its points that alone are silent, by their ids."""

    device: Silence | None = None
    points: dict[int, Silence] = {}


def heard(silences: Silences | None, word: Heard) -> Looked:
    """A reading ends its point's silence and the device's."""
    if silences is None or not word.newer:
        return Looked(silences)
    said = []
    if point := silences.points.pop(word.point, None):
        said.append(_end(point, word.received_us, word.point))
    return _device_heard(silences, word.received_us, said)


def refused(silences: Silences | None, refusal: Refusal, profile: Profile) -> Looked:
    """A refused message was heard of the device; no point was read."""
    return Looked(None) if silences is None else _device_heard(silences, refusal.received_us, [])


def tick(silences: Silences | None, view: View, profile: Profile) -> Looked:
    """Opens what has passed its deadline, and ends what is measured no more."""
    silences = silences or Silences()
    said = _end_unmeasured(silences, view)
    points = [point for point in view.points if point.gone_us is None]
    if silences.device is not None or not (points or view.accepted):
        return Looked(_kept(silences), tuple(said))
    device_us = deadline(view.heard_us, view.window_us, view.stalls)
    if view.stream_us > device_us:
        silences.device = Silence(view.heard_us)
        said.append(_open(silences.device))
        return Looked(silences, tuple(said), unknown=tuple(point.id for point in points))
    # never later than a window from now: a stall's allowance ends with the next reading
    look_us = min(device_us, view.stream_us + view.window_us)
    if not points:
        return Looked(_kept(silences), tuple(said), look_us)
    return _look_at_points(silences, view, points, said, look_us)


def retire(silences: Silences, end_us: int) -> tuple[Said, ...]:
    device = [_end(silences.device, end_us, reason="retired")] if silences.device else []
    points = (_end(silence, end_us, point, "retired") for point, silence in silences.points.items())
    return (*device, *points)


def blocks(silences: Silences, point: int) -> bool:
    return silences.device is not None or point in silences.points


def _device_heard(silences: Silences, received_us: int, said: list[Said]) -> Looked:
    device = silences.device
    if device is None or received_us <= device.start_us:
        return Looked(_kept(silences), tuple(said))
    silences.device = None
    said.append(_end(device, received_us))
    return Looked(_kept(silences), tuple(said), look_us=received_us)


def _look_at_points(
    silences: Silences, view: View, points: list[PointView], said: list[Said], look_us: int
) -> Looked:
    """Of a device that is heard, the points that are not."""
    unknown = []
    read_us = max(point.received_us for point in points)
    for point in points:
        if point.id in silences.points:
            continue
        deadline_us = deadline(point.received_us, point.window_us, view.stalls)
        if view.stream_us <= deadline_us:
            look_us = min(look_us, deadline_us)
            continue
        unknown.append(point.id)
        if read_us <= point.received_us + point.window_us:
            # No point of it is read while its messages are refused: unknown, and other rules say why.
            look_us = view.stream_us
        else:
            silences.points[point.id] = silence = Silence(point.received_us)
            said.append(_open(silence, point.id))
    return Looked(_kept(silences), tuple(said), look_us, tuple(unknown))


def _end_unmeasured(silences: Silences, view: View) -> list[Said]:
    said, gone = [], [point for point in view.points if point.gone_us is not None]
    for point in gone:
        if silence := silences.points.pop(point.id, None):
            said.append(_end(silence, max(point.gone_us or 0, point.received_us), point.id, "kind_changed"))
    if gone and len(gone) == len(view.points) and silences.device:
        end_us = max(gone[-1].gone_us or 0, view.heard_us)
        said.append(_end(silences.device, end_us, reason="kind_changed"))
        silences.device = None
    return said


def _kept(silences: Silences) -> Silences | None:
    return silences if silences.device or silences.points else None


def _open(silence: Silence, point: int = 0) -> Said:
    return Said(Change.OPENED, 1, Severity.YELLOW, silence.start_us, point=point)


def _end(silence: Silence, end_us: int, point: int = 0, reason: str = "") -> Said:
    """reason: why it ends though nothing was heard."""
    detail = {"reason": reason} if reason else {}
    return Said(
        Change.CLOSED,
        silence.version + 1,
        Severity.YELLOW,
        silence.start_us,
        end_us,
        detail=detail,
        point=point,
    )


RULE: Final = DeviceRule(
    name="silence",
    state=Silences,
    heard=heard,
    refused=refused,
    tick=tick,
    retire=retire,
    blocks=blocks,
    zh="超过两个上报间隔没有收到数据；再次收到时结束。平台自身的停顿不计入。",
    en="Nothing was heard for two reporting intervals; it ends when something is. Our own stalls do not count.",
)
