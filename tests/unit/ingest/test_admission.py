"""One message, its way: into lines, into quarantine, to the dead letters, or some of each."""

import json

import pytest

from ingest import admission
from ingest.admission import Admitted, Route, admit, refuse, resolve
from ingest.quarantine import clock_detail
from schemas.reading import GOOD, SUSPECT, Line, decode_lines
from schemas.registry import Device, Point
from schemas.rejection import Rejection
from schemas.result import Verdict

NOW_US = 1_764_000_000_000_000
NOW_MS = NOW_US // 1000
DAY_MS = 86_400_000


def point(id: int, metric: str, unit: str, low: float, high: float) -> Point:
    return Point(id=id, device="d1", metric=metric, unit=unit, possible_low=low, possible_high=high)


POINTS = {
    "probe": (point(1, "temperature", "Cel", -80.0, 85.0), point(2, "humidity", "%RH", 0.0, 100.0)),
    "door": (point(3, "open", "1", 0.0, 1.0),),
}
CHANNEL = {"probe": "telemetry", "door": "telemetry", "instrument": "result", "camera": "frame"}


def route(kind: str = "probe", rest: str = "") -> Route:
    device = Device(
        id="d1",
        kind=kind,
        enterprise="e1",
        site="s1",
        interval_us=60_000_000,
        profile="chilled",
        points=POINTS.get(kind, ()),
    )
    found = resolve(device, f"cw/v1/e1/d1/{CHANNEL[kind]}{rest}", lambda _id: None)
    assert isinstance(found, Route)
    return found


def send(message: object, kind: str = "probe") -> Admitted:
    return admit(route(kind), json.dumps(message).encode(), NOW_US)


def values(admitted: Admitted) -> list[Line]:
    return [line for line in decode_lines(admitted.lines) if line.p]


def notes(admitted: Admitted) -> list[tuple[str, str]]:
    return [(line.d, line.n) for line in decode_lines(admitted.lines) if not line.p]


def codes(admitted: Admitted) -> list[tuple[str, str, int]]:
    return [(rejection.code, rejection.path, rejection.count) for rejection, _raw in admitted.rejections]


def test_a_sound_message_is_one_line_per_value() -> None:
    admitted = send({"at": NOW_MS, "seq": 5, "values": {"temperature": 4.1, "humidity": 60}})
    assert values(admitted) == [
        Line(p=1, at=NOW_US, seq=5, v=4.1, r=NOW_US),
        Line(p=2, at=NOW_US, seq=5, v=60.0, r=NOW_US),
    ]
    assert (admitted.count, admitted.rejections) == (2, ())


def test_a_backlog_is_admitted_in_its_order() -> None:
    backlog = [{"at": NOW_MS - n * 1000, "seq": n, "values": {"temperature": n}} for n in range(3)]
    assert [line.seq for line in values(send(backlog))] == [0, 1, 2]


def test_seq_is_zero_when_the_device_sends_none() -> None:
    assert values(send({"at": NOW_MS, "values": {"temperature": 4}}))[0].seq == 0


@pytest.mark.parametrize(
    ("at", "us"),
    [
        (NOW_MS, NOW_US),
        ("2025-11-24T16:00:00Z", NOW_US),
        ("2025-11-25T00:00:00.123456+08:00", NOW_US + 123_456),
    ],
)
def test_times_are_epoch_milliseconds_or_rfc_3339(at: object, us: int) -> None:
    assert values(send({"at": at, "values": {"temperature": 4}}))[0].at == us


@pytest.mark.parametrize(
    ("ahead_ms", "fate"),
    [
        (-30 * DAY_MS, GOOD),
        (-30 * DAY_MS - 1, "clock"),
        (60_000, GOOD),
        (60_001, SUSPECT),
        (600_000, SUSPECT),
        (600_001, "clock"),
        (10**18, "clock"),
        (-(10**18), "clock"),
    ],
)
def test_the_clock_is_held_against_the_time_of_arrival(ahead_ms: int, fate: object) -> None:
    admitted = send({"at": NOW_MS + ahead_ms, "values": {"temperature": 4.1, "humidity": 50}})
    if fate == "clock":
        assert codes(admitted) == [("clock", "$.at", 2)]
        assert notes(admitted) == [("d1", "refused:clock")]
        assert (admitted.count, values(admitted)) == (0, [])
    else:
        assert [line.q for line in values(admitted)] == [fate, fate]


def test_seconds_instead_of_milliseconds_are_named() -> None:
    ((rejection, _raw),) = send({"at": NOW_MS // 1000, "values": {"temperature": 4}}).rejections
    assert "ms" in rejection.sentence("en")


@pytest.mark.parametrize("value", [-80.1, 85.0, 85.1, -127, 1e300])
def test_an_impossible_value_is_quarantined_alone_and_the_rest_goes_on(value: float) -> None:
    admitted = send({"at": NOW_MS, "values": {"temperature": value, "humidity": 50}})
    assert codes(admitted) == [("impossible", "$.values.temperature", 1)]
    assert [line.p for line in values(admitted)] == [2]
    assert notes(admitted) == [("d1", "refused:impossible")]
    assert admitted.count == 1


@pytest.mark.parametrize("value", [-80, 84.999, 0, -0.0])
def test_a_possible_value_at_the_edge_is_stored(value: float) -> None:
    assert [line.v for line in values(send({"at": NOW_MS, "values": {"temperature": value}}))] == [value]


def test_a_backlog_may_end_in_all_three_places_and_every_value_is_counted_once() -> None:
    payload = json.dumps(
        [
            {"at": NOW_MS, "values": {"temperature": 4}},
            {"at": NOW_MS - 40 * DAY_MS, "values": {"temperature": 4, "humidity": 5}},
            {"at": NOW_MS, "values": {"temperature": 85, "humidity": 101}},
            {"at": 0, "values": {"temperature": 4}},
        ]
    ).encode()
    admitted = admit(route(), payload, NOW_US)
    assert admitted.count == 1
    assert codes(admitted) == [("clock", "$[1].at", 3), ("impossible", "$[2].values.temperature", 2)]
    assert [raw for _rejection, raw in admitted.rejections] == [payload, payload]


def test_an_unknown_metric_refuses_the_whole_message_and_names_the_known_ones() -> None:
    admitted = send({"at": NOW_MS, "values": {"temperature": 4, "pressure": 1}})
    assert codes(admitted) == [("unknown_metric", "$.values.pressure", 1)]
    assert admitted.count == 0
    assert "temperature, humidity" in admitted.rejections[0][0].sentence("en")


@pytest.mark.parametrize(("said", "stored"), [(True, 1.0), (False, 0.0), (1, 1.0), (0, 0.0), (1.0, 1.0)])
def test_a_door_says_open_with_a_number_or_a_truth_value(said: object, stored: float) -> None:
    (line,) = values(send({"at": NOW_MS, "values": {"open": said}}, "door"))
    assert (line.p, line.v) == (3, stored)


@pytest.mark.parametrize("said", [0.5, 2, -1])
def test_a_door_is_never_half_open(said: float) -> None:
    assert codes(send({"at": NOW_MS, "values": {"open": said}}, "door")) == [
        ("impossible", "$.values.open", 1)
    ]


def test_a_truth_value_is_no_temperature() -> None:
    assert codes(send({"at": NOW_MS, "values": {"temperature": True}})) == [
        ("not_a_number", "$.values.temperature", 1)
    ]


def test_telemetry_above_its_own_limit_is_refused_though_the_packet_passed() -> None:
    admitted = admit(route(), b" " * (admission.MAX_TELEMETRY_BYTES + 1), NOW_US)
    assert codes(admitted) == [("too_large", "$", 1)]


def test_a_refusal_names_device_publisher_topic_and_time_and_keeps_the_bytes() -> None:
    admitted = admit(route(), b"{", NOW_US)
    ((rejection, raw),) = admitted.rejections
    assert raw == b"{"
    assert (rejection.device, rejection.publisher, rejection.topic, rejection.received_us) == (
        "d1",
        "d1",
        "cw/v1/e1/d1/telemetry",
        NOW_US,
    )
    assert notes(admitted) == [("d1", "refused:bad_json")]


def test_a_refused_topic_is_heard_in_the_partition_of_the_device_it_falls_on() -> None:
    rejection = Rejection(code="not_yours", detail="e1/x", device="d1", publisher="d1", topic="cw/v1/e1/x/t")
    admitted = refuse(rejection, b"payload", NOW_US)
    assert admitted.partition == route().partition
    assert notes(admitted) == [("d1", "refused:not_yours")]
    assert admitted.rejections[0][0].received_us == NOW_US


RESULT = {
    "number": "7",
    "at": NOW_MS,
    "sample": "菠菜",
    "item": "农药残留",
    "verdict": "不合格",
    "value": 61.5,
}


def test_a_result_is_normalised_and_its_words_are_kept() -> None:
    result = send(RESULT, "instrument").result
    assert result is not None
    assert (result.device, result.number, result.at_us, result.received_us) == ("d1", "7", NOW_US, NOW_US)
    assert (result.verdict, result.verdict_raw, result.value) == (Verdict.POSITIVE, "不合格", 61.5)
    assert json.loads(result.raw) == RESULT
    assert len(result.content_sha256) == 64


@pytest.mark.parametrize(
    ("change", "code", "path"),
    [
        ({"verdict": "maybe"}, "unknown_verdict", "$.verdict"),
        ({"at": NOW_MS + 700_000}, "clock", "$.at"),
    ],
)
def test_a_result_that_cannot_be_true_is_quarantined(change: dict, code: str, path: str) -> None:
    admitted = send(RESULT | change, "instrument")
    assert codes(admitted) == [(code, path, 1)]
    assert admitted.rejections[0][0].disposition == "quarantined"
    assert admitted.result is None


JPEG = (
    bytes.fromhex("ffd8ffe000104a46494600010100000100010000ffc0001108")
    + bytes.fromhex("02d00500")
    + b"\x03" * 20
)


def test_a_frame_has_its_topics_time_and_the_hash_of_its_bytes() -> None:
    admitted = admit(route("camera", f"/{NOW_MS}/9"), JPEG, NOW_US + 5)
    frame = admitted.frame
    assert frame is not None
    assert (frame.camera, frame.at_us, frame.seq, frame.received_us) == ("d1", NOW_US, 9, NOW_US + 5)
    assert (frame.width, frame.height, frame.size_bytes) == (1280, 720, len(JPEG))
    assert len(frame.sha256) == 64


def test_a_frame_without_a_time_gets_the_time_of_arrival() -> None:
    frame = admit(route("camera"), JPEG, NOW_US).frame
    assert frame is not None
    assert (frame.at_us, frame.seq) == (NOW_US, 0)


def test_a_frame_with_a_wrong_clock_or_no_image_is_refused() -> None:
    assert codes(admit(route("camera", "/1/1"), JPEG, NOW_US)) == [("clock", "topic", 1)]
    assert codes(admit(route("camera"), b"GIF89a", NOW_US)) == [("bad_image", "$", 1)]


@pytest.mark.parametrize("at", [10**400, -(10**400), 10**30, 2**63])
def test_a_time_beyond_all_numbers_is_quarantined(at: int) -> None:
    detail = clock_detail(at * 1000, 1_764_000_000_000_000)
    assert detail in ("> 9999", "< 0001")


HOUR_S = 3600


@pytest.mark.parametrize(
    ("off_s", "said"),
    [
        (8 * HOUR_S, "+8 h"), (8 * HOUR_S - 1, "+8 h"), (-8 * HOUR_S, "-8 h"), (5.5 * HOUR_S, "+5.5 h"),
        (660, "+11 min"),
        (659, "+11 min"), (-30 * 86_400 - 1, "-30 d"), (2 * HOUR_S, "+2 h"), (59, "+1 min"), (30, "+30 s"),
        (HOUR_S - 60, "+1 h"),
    ],
)  # fmt: skip
def test_how_far_a_clock_is_off_is_rounded(off_s: float, said: str) -> None:
    """And the device's time is said as its users read it."""
    received_us = 1_764_000_000_000_000  # 2025-11-24T16:00:00Z
    detail = clock_detail(received_us + round(off_s * 1_000_000), received_us)
    assert detail.endswith(f", {said}")
    assert "+08:00" in detail
