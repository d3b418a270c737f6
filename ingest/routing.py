"""Who speaks for whom on which channel: decided once per connection and topic. Pure."""

from collections.abc import Callable
from typing import Final, NamedTuple

import msgspec

from ingest.codecs._codec import shown
from ingest.kinds import KINDS, Kind
from schemas.reading import MAX_SEQ
from schemas.registry import Device
from schemas.rejection import Rejection
from schemas.topics import READINGS, partition_of

TELEMETRY, RESULT, FRAME = "telemetry", "result", "frame"
CHANNELS: Final = (TELEMETRY, RESULT, FRAME, "event", "status")
GATEWAY: Final = "gateway"
TIME_DIGITS_MAX: Final = 15


class Slot(NamedTuple):
    """Where a metric's values go and what they can be; looked up once per route, a tuple for the hot path."""

    point: int
    low: float
    high: float
    codes: dict[float, str]
    switch: bool
    unit: str


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """A topic that `publisher` may publish on. Holds until the registry changes one of the two devices.

    device: the one that the topic names. partition: the device's, of READINGS. at_us, seq: a frame's identity
    (`at_us` None: the topic names none, received time is taken). slots: the device's metrics.
    """

    publisher: str
    device: Device
    channel: str
    topic: str
    partition: int
    at_us: int | None = None
    seq: int = 0
    slots: dict[str, Slot] = {}


def resolve(publisher: Device, topic: str, find: Callable[[str], Device | None]) -> Route | Rejection:
    """What a topic means on the connection of `publisher`; `find` looks a device up by its id.

    A device speaks as itself; one of kind `gateway` also for the devices registered behind it.
    """
    levels = topic.split("/")
    if len(levels) < 5 or levels[:2] != ["cw", "v1"] or levels[4] not in CHANNELS:
        return _rejected("unknown_topic", shown(topic), publisher, publisher, topic)
    enterprise, name, channel = levels[2:5]
    device = publisher if name == publisher.id else _child(publisher, find(name))
    if device is None or device.enterprise != enterprise:
        return _rejected("not_yours", shown(f"{enterprise}/{name}"), publisher, publisher, topic)
    kind = KINDS.get(device.kind)
    if kind is None or channel not in kind.channels:
        return _rejected("wrong_channel", channel, device, publisher, topic)
    identity = _frame_identity(levels[5:]) if channel == FRAME else (None, 0)
    if identity is None or (channel != FRAME and len(levels) > 5):
        return _rejected("unknown_topic", shown(topic), device, publisher, topic)
    return Route(
        publisher=publisher.id,
        device=device,
        channel=channel,
        topic=topic,
        partition=partition_of(device.id, READINGS.partitions),
        at_us=identity[0],
        seq=identity[1],
        slots=_slots(device, kind) if channel == TELEMETRY else {},
    )


def _child(publisher: Device, found: Device | None) -> Device | None:
    """The device, when `publisher` is its gateway. Both are of one enterprise, whatever the registry may say."""
    if found is None or found.retired_us is not None or publisher.kind != GATEWAY:
        return None
    return found if (found.behind, found.enterprise) == (publisher.id, publisher.enterprise) else None


def _frame_identity(levels: list[str]) -> tuple[int | None, int] | None:
    """`frame` alone, or `frame/{at_ms}/{seq}`; None when it is neither."""
    if not levels:
        return None, 0
    if len(levels) != 2 or not all(level.isascii() and level.isdigit() for level in levels):
        return None
    at, seq = levels
    if len(at) > TIME_DIGITS_MAX or len(seq) > len(str(MAX_SEQ)) or int(seq) > MAX_SEQ:
        return None
    return int(at) * 1000, int(seq)


def _slots(device: Device, kind: Kind) -> dict[str, Slot]:
    """By metric. The range is the point's own; codes and switches are the kind's."""
    slots = {}
    for point in device.points:
        metric = kind.metric(point.metric)
        if metric is not None:
            slots[point.metric] = Slot(
                point.id, point.possible_low, point.possible_high, metric.codes, metric.switch, point.unit
            )
    return slots


def _rejected(code: str, detail: str, device: Device, publisher: Device, topic: str) -> Rejection:
    return Rejection(code=code, detail=detail, device=device.id, publisher=publisher.id, topic=topic)
