"""Who may publish what: a device as itself, a gateway for those behind it, on the channels of the kind."""

import pytest

from ingest.routing import Route, resolve
from schemas.registry import Device, Point
from schemas.rejection import Rejection
from schemas.topics import READINGS, partition_of


def device(id: str, kind: str = "probe", **more) -> Device:
    points = (
        Point(id=7, device=id, metric="temperature", unit="Cel", possible_low=-80.0, possible_high=85.0),
    )
    fields = {"enterprise": "e1", "site": "s1", "interval_us": 60_000_000, "profile": "chilled"}
    return Device(**fields | {"id": id, "kind": kind, "points": points} | more)


PROBE = device("p1")
GATEWAY = device("g1", "gateway")
CAMERA = device("c1", "camera")
REGISTRY = {
    d.id: d
    for d in (
        PROBE,
        GATEWAY,
        CAMERA,
        device("child", behind="g1"),
        device("gone", behind="g1", retired_us=1),
        device("other", behind="g2"),
        device("foreign", behind="g1", enterprise="e2"),
    )
}


def decide(publisher: Device, topic: str) -> Route | Rejection:
    return resolve(publisher, topic, REGISTRY.get)


def test_a_device_publishes_under_its_own_name() -> None:
    route = decide(PROBE, "cw/v1/e1/p1/telemetry")
    assert isinstance(route, Route)
    assert route.device is PROBE
    assert route.partition == partition_of("p1", READINGS.partitions)
    assert route.targets["temperature"].point == 7


def test_a_gateway_publishes_for_the_devices_behind_it_into_their_partition() -> None:
    route = decide(GATEWAY, "cw/v1/e1/child/telemetry")
    assert isinstance(route, Route)
    assert (route.publisher, route.device.id) == ("g1", "child")
    assert route.partition == partition_of("child", READINGS.partitions)


def test_a_device_behind_a_gateway_may_publish_over_its_own_connection() -> None:
    assert isinstance(decide(REGISTRY["child"], "cw/v1/e1/child/telemetry"), Route)


@pytest.mark.parametrize(
    ("publisher", "topic"),
    [
        (PROBE, "cw/v1/e1/child/telemetry"),
        (PROBE, "cw/v1/e2/p1/telemetry"),
        (PROBE, "cw/v1/e1/nobody/telemetry"),
        (GATEWAY, "cw/v1/e1/other/telemetry"),
        (GATEWAY, "cw/v1/e1/gone/telemetry"),
        (GATEWAY, "cw/v1/e1/p1/telemetry"),
        (GATEWAY, "cw/v1/e1/foreign/telemetry"),
        (GATEWAY, "cw/v1/e2/foreign/telemetry"),
        (device("g1"), "cw/v1/e1/child/telemetry"),
    ],
)
def test_nobody_publishes_for_another_and_it_falls_on_the_publisher(publisher: Device, topic: str) -> None:
    rejection = decide(publisher, topic)
    assert isinstance(rejection, Rejection)
    assert (rejection.code, rejection.device, rejection.publisher) == (
        "not_yours",
        publisher.id,
        publisher.id,
    )
    assert "/".join(topic.split("/")[2:4]) in rejection.sentence("en")


@pytest.mark.parametrize(
    "topic",
    [
        "",
        "/",
        "cw",
        "cw/v1/e1/p1",
        "cw/v1/e1/p1/",
        "cw/v2/e1/p1/telemetry",
        "cw/v1/e1/p1/weather",
        "cw/v1/e1/p1/telemetry/more",
        "cw/v1/e1/p1/errors",
        "\ud800/" * 5,
    ],
)
def test_another_topic_is_unknown(topic: str) -> None:
    rejection = decide(PROBE, topic)
    assert isinstance(rejection, Rejection)
    assert rejection.code == "unknown_topic"
    rejection.sentence("zh").encode()


@pytest.mark.parametrize(
    ("publisher", "topic", "on"),
    [
        (PROBE, "cw/v1/e1/p1/result", "p1"),
        (PROBE, "cw/v1/e1/p1/status", "p1"),
        (CAMERA, "cw/v1/e1/c1/telemetry", "c1"),
        (GATEWAY, "cw/v1/e1/g1/telemetry", "g1"),
        (GATEWAY, "cw/v1/e1/child/event", "child"),
    ],
)
def test_a_channel_that_the_kind_lacks_is_refused_and_falls_on_the_named_device(
    publisher: Device, topic: str, on: str
) -> None:
    rejection = decide(publisher, topic)
    assert isinstance(rejection, Rejection)
    assert (rejection.code, rejection.device) == ("wrong_channel", on)


def test_a_kind_that_this_version_does_not_know_publishes_nothing() -> None:
    rejection = decide(device("x1", "balance"), "cw/v1/e1/x1/telemetry")
    assert isinstance(rejection, Rejection)
    assert rejection.code == "wrong_channel"


def test_a_frame_has_its_identity_from_the_topic_or_none() -> None:
    named = decide(CAMERA, "cw/v1/e1/c1/frame/1764000000123/42")
    bare = decide(CAMERA, "cw/v1/e1/c1/frame")
    assert isinstance(named, Route)
    assert isinstance(bare, Route)
    assert (named.identity.at_us, named.identity.seq) == (1_764_000_000_123_000, 42)
    assert (bare.identity.at_us, bare.identity.seq) == (None, 0)


@pytest.mark.parametrize(
    "rest",
    ["1/2/3", "1", "x/1", "1/x", "-1/1", "1/-1", "１/1", "1/9223372036854775808", "9" * 5000 + "/1", "/"],
)
def test_a_frame_identity_that_is_none_is_refused(rest: str) -> None:
    rejection = decide(CAMERA, f"cw/v1/e1/c1/frame/{rest}")
    assert isinstance(rejection, Rejection)
    assert rejection.code == "unknown_topic"


@pytest.mark.parametrize(
    ("topic", "hint"),
    [
        ("/cw/v1/e1/p1/telemetry", "without the leading /"),
        ("cw/v1/e1/p1/telemetry/", "without the trailing /"),
        ("/cw/v1/e1/p1/telemetry/", "without the leading /"),
        ("//cw/v1/e1/p1/telemetry", ""),
        ("cw/v1/e1/p1/telemtry", ""),
        ("/", ""),
    ],
)
def test_a_topic_with_a_slash_too_many_is_told_so(topic: str, hint: str) -> None:
    refused = decide(PROBE, topic)
    assert isinstance(refused, Rejection)
    assert refused.code == "unknown_topic"
    assert hint in refused.detail
    assert ("without" in refused.detail) == bool(hint)
