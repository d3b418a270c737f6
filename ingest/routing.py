"""Who speaks for whom on which channel: decided once per connection and topic. Pure."""

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

import msgspec

from ingest.codecs import CODECS, Codec, Identity, choose
from ingest.codecs._codec import shown
from ingest.kinds import KINDS, Kind
from schemas.device_topics import TELEMETRY, UP, parse_topic
from schemas.registry import Device
from schemas.rejection import BOTH, Rejection
from schemas.topics import READINGS, partition_of

GATEWAY: Final = "gateway"


class Tables(NamedTuple):
    """What a front door knows: the kinds of devices, and the codecs of what they send."""

    kinds: Mapping[str, Kind] = KINDS
    codecs: Mapping[str, Codec] = CODECS


TABLES: Final = Tables()


class Target(NamedTuple):
    """Where a metric's values go and what they can be; looked up once per route, a tuple for the hot path."""

    point: int
    low: float
    high: float
    codes: dict[float, str]
    switch: bool
    unit: str


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """A topic that `publisher` may publish on, with a content type. Holds until the registry changes one of the two
    devices, unless the topic names a message of its own (`is_of_one_message`).

    device: the one that the topic names. partition: the device's, of READINGS. identity: what the topic says of the
    message. targets: the device's metrics.
    """

    publisher: str
    device: Device
    codec: Codec
    topic: str
    partition: int
    identity: Identity
    targets: dict[str, Target] = {}

    @property
    def is_of_one_message(self) -> bool:
        return self.identity.at_us is not None


def resolve(
    publisher: Device,
    topic: str,
    find: Callable[[str], Device | None],
    content_type: str = "",
    tables: Tables = TABLES,
) -> Route | Rejection:
    """What a topic means on the connection of `publisher`; `find` looks a device up by its id.

    A device speaks as itself; one of kind `gateway` also for the devices registered behind it.
    """
    parsed = parse_topic(topic)
    if parsed is None or not _is_known(parsed.channel, tables):
        return _rejected("unknown_topic", _hinted(topic), publisher, publisher, topic)
    device = publisher if parsed.device == publisher.id else _child(publisher, find(parsed.device))
    if device is None or device.enterprise != parsed.enterprise:
        named = shown(f"{parsed.enterprise}/{parsed.device}")
        return _rejected("not_yours", named, publisher, publisher, topic)
    kind = tables.kinds.get(device.kind)
    if kind is None or parsed.channel not in kind.channels:
        return _rejected("wrong_channel", parsed.channel, device, publisher, topic)
    chosen = choose(tables.codecs.values(), parsed.channel, parsed.rest, content_type)
    if chosen is None:
        return _rejected("unknown_topic", _hinted(topic), device, publisher, topic)
    codec, identity = chosen
    return Route(
        publisher=publisher.id,
        device=device,
        codec=codec,
        topic=topic,
        partition=partition_of(device.id, READINGS.partitions),
        identity=identity,
        targets=_targets(device, kind) if parsed.channel == TELEMETRY else {},
    )


def _hinted(topic: str) -> str:
    """The topic, and what is wrong with it where that is one known thing."""
    if topic.startswith("/") and parse_topic(topic[1:]) is not None:
        return f"{shown(topic)}（去掉开头的 /）{BOTH}{shown(topic)} (without the leading /)"
    if topic.endswith("/") and parse_topic(topic[:-1]) is not None:
        return f"{shown(topic)}（去掉末尾的 /）{BOTH}{shown(topic)} (without the trailing /)"
    return shown(topic)


def _is_known(channel: str, tables: Tables) -> bool:
    return channel in UP or any(codec.channel == channel for codec in tables.codecs.values())


def _child(publisher: Device, found: Device | None) -> Device | None:
    """The device, when `publisher` is its gateway. Both are of one enterprise, whatever the registry may say."""
    if found is None or found.retired_us is not None or publisher.kind != GATEWAY:
        return None
    return found if (found.behind, found.enterprise) == (publisher.id, publisher.enterprise) else None


def _targets(device: Device, kind: Kind) -> dict[str, Target]:
    """By metric. The range is the point's own; codes and switches are the kind's."""
    targets = {}
    for point in device.points:
        metric = kind.metric(point.metric)
        if metric is not None:
            targets[point.metric] = Target(
                point.id, point.possible_low, point.possible_high, metric.codes, metric.switch, point.unit
            )
    return targets


def _rejected(code: str, detail: str, device: Device, publisher: Device, topic: str) -> Rejection:
    return Rejection(code=code, detail=detail, device=device.id, publisher=publisher.id, topic=topic)
