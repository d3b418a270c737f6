"""No bytes make admission raise, and every value ends in exactly one place: a line, or a rejection's count."""

import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest import admission
from ingest.admission import Admitted, Route, admit, resolve
from ingest.codecs import CODECS, Refusal, native
from ingest.kinds import KINDS
from schemas.frame import decode_frame, encode_frame
from schemas.reading import decode_lines
from schemas.registry import Device, Point
from schemas.rejection import REASONS, Disposition, Rejection, decode_rejection, encode_rejection
from schemas.result import decode_result, encode_result

NOW_US = 1_764_000_000_000_000
NOW_MS = NOW_US // 1000
CHANNELS = {"probe": "telemetry", "door": "telemetry", "instrument": "result", "camera": "frame"}


def route(kind: str) -> Route:
    points = tuple(
        Point(
            id=number,
            device="d1",
            metric=metric.name,
            unit=metric.unit,
            possible_low=metric.possible_low,
            possible_high=metric.possible_high,
        )
        for number, metric in enumerate(KINDS[kind].metrics, 1)
    )
    device = Device(
        id="d1", kind=kind, enterprise="e1", site="s1", interval_us=1, profile="demo", points=points
    )
    found = resolve(device, f"cw/v1/e1/d1/{CHANNELS[kind]}", lambda _id: None)
    assert isinstance(found, Route)
    return found


ROUTES = {kind: route(kind) for kind in CHANNELS}


def check(admitted: Admitted) -> None:
    """What must hold of every answer: its parts can be written, read again, and name their reason."""
    lines = decode_lines(admitted.lines)
    assert sum(1 for line in lines if line.p) == admitted.count
    heard = ["sound"] if admitted.result or admitted.frame else []
    refused = [f"refused:{rejection.code}" for rejection, _ in admitted.rejections]
    assert [line.n for line in lines if not line.p] == heard + refused
    assert admitted.count or admitted.rejections or admitted.result or admitted.frame
    for rejection, _raw in admitted.rejections:
        assert decode_rejection(encode_rejection(rejection)) == rejection
        for language in ("zh", "en"):
            sentence = rejection.sentence(language)
            sentence.encode()
            assert "\0" not in sentence + rejection.path + rejection.detail
    if admitted.result is not None:
        text = encode_result(admitted.result)
        assert decode_result(text) == admitted.result
        stored = decode_result(text)
        assert not any("\0" in getattr(stored, name) for name in ("number", "sample", "item", "raw", "lot"))
    if admitted.frame is not None:
        assert decode_frame(encode_frame(admitted.frame)) == admitted.frame


def is_whole(rejection: Rejection) -> bool:
    return REASONS[rejection.code].disposition is Disposition.DEAD_LETTERED


def check_conserved(admitted: Admitted, payload: bytes) -> None:
    """Values in = values in lines + values in quarantine; or the whole message is one dead letter."""
    check(admitted)
    if any(is_whole(rejection) for rejection, _raw in admitted.rejections):
        assert [r.count for r, _raw in admitted.rejections] == [1]
        assert admitted.count == 0
        return
    samples = native.decode(payload, NOW_US)
    assert not isinstance(samples, Refusal)
    values_in = sum(len(sample.values) for sample in samples)
    assert values_in == admitted.count + sum(rejection.count for rejection, _raw in admitted.rejections)


def check_same_as_careful(kind: str, payload: bytes) -> None:
    fast = admission._admit_fast(ROUTES[kind], native.read, payload, NOW_US)
    if fast is not None:
        samples = native.decode(payload, NOW_US)
        assert fast == admission._admit_telemetry(ROUTES[kind], samples, payload, NOW_US)


numbers = (
    st.floats(-100, 100)
    | st.integers()
    | st.floats()
    | st.booleans()
    | st.sampled_from([85, 85.0, -80, 1e308])
)
times = (
    st.integers(NOW_MS - 31 * 86_400_000, NOW_MS + 700_000)
    | st.integers()
    | st.datetimes().map(lambda at: at.isoformat() + "Z")
    | st.datetimes().map(str)
    | st.sampled_from([None, "", "x", 1.5, True, NOW_MS // 1000])
)
metrics = st.sampled_from(["temperature", "humidity", "open"]) | st.text(max_size=5)
telemetry = st.fixed_dictionaries(
    {"at": times, "values": st.dictionaries(metrics, numbers | st.text(max_size=3) | st.none(), max_size=3)},
    optional={"seq": st.integers(-2, 2**64) | st.floats() | st.none(), "boot": st.text(max_size=3)},
)
sound = st.fixed_dictionaries(
    {
        "at": st.integers(NOW_MS - 31 * 86_400_000, NOW_MS + 700_000),
        "values": st.dictionaries(
            st.sampled_from(["temperature", "humidity"]), st.floats(-100, 110), min_size=1
        ),
    }
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=12,
)
results = st.fixed_dictionaries(
    {
        name: json_values | st.text(max_size=10) | st.sampled_from(["合格", "+", 1])
        for name in ("number", "sample", "item", "verdict")
    },
    optional=dict.fromkeys(("at", "value", "unit", "lot", "operator", "sampled_at"), json_values | times),
)


@settings(max_examples=300, deadline=None)
@given(telemetry | st.lists(telemetry | sound, max_size=4) | st.lists(sound, max_size=6))
def test_every_value_of_a_message_ends_in_exactly_one_place(message: object) -> None:
    payload = json.dumps(message).encode()
    for kind in ("probe", "door"):
        check_conserved(admit(ROUTES[kind], payload, NOW_US), payload)
        check_same_as_careful(kind, payload)


@settings(max_examples=300, deadline=None)
@given(json_values | telemetry | results)
def test_any_json_on_any_channel_is_decided(message: object) -> None:
    payload = json.dumps(message).encode()
    for known in ROUTES.values():
        check(admit(known, payload, NOW_US))


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200), st.sampled_from(sorted(CODECS)))
def test_codecs_are_total(payload: bytes, codec: str) -> None:
    CODECS[codec].decode(payload, NOW_US)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_the_header_walk_of_an_image_ends_for_any_bytes(rest: bytes) -> None:
    CODECS["jpeg"].decode(b"\xff\xd8\xff" + rest, NOW_US)


SEEDS = [
    json.dumps(
        {"at": NOW_MS, "seq": 3, "boot": "b", "values": {"temperature": 4.1, "humidity": 61}}
    ).encode(),
    json.dumps([{"at": "2025-11-24T16:00:00Z", "values": {"temperature": -18.5}}] * 3).encode(),
    json.dumps({"at": NOW_MS, "values": {"open": True}}).encode(),
    json.dumps(
        {"number": "1", "at": NOW_MS, "sample": "草鱼", "item": "x", "verdict": "阳性", "value": 1.5},
        ensure_ascii=False,
    ).encode(),
    bytes.fromhex("ffd8ffe000104a46494600010100000100010000ffc000110802d00500") + b"\x03" * 9,
]
FRAGMENTS = (
    b"[",
    b"{",
    b'"',
    b"\\ud800",
    b"\\u0000",
    b"\0",
    b"\xff",
    b"1e400",
    b"NaN",
    b"-",
    b"9" * 30,
    b"null",
)


def mutated(chance: random.Random) -> bytes:
    """A sound payload after a few cuts, swaps, flips and insertions; sometimes mere noise."""
    payload = bytearray(chance.choice(SEEDS) if chance.random() < 0.9 else chance.randbytes(64))
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(payload) + 1)
        match chance.randrange(5):
            case 0:
                payload[at : at + 1] = chance.randbytes(1)
            case 1:
                payload[at:at] = chance.choice(FRAGMENTS)
            case 2:
                del payload[at : at + chance.randint(1, 8)]
            case 3:
                payload[at:at] = payload[: chance.randint(0, 40)]
            case 4:
                payload += chance.choice(FRAGMENTS) * chance.choice((1, 1, 5))
    return bytes(payload)


def test_ten_thousand_mutated_payloads_are_each_decided_and_conserved() -> None:
    chance = random.Random(20_261_123)
    decided = {"taken": 0, "refused": 0}
    for _ in range(10_000):
        payload = mutated(chance)
        for kind, known in ROUTES.items():
            admitted = admit(known, payload, NOW_US)
            if CHANNELS[kind] == "telemetry":
                check_conserved(admitted, payload)
                check_same_as_careful(kind, payload)
            else:
                check(admitted)
            decided["refused" if admitted.rejections else "taken"] += 1
    assert min(decided.values()) > 500, "the mutations should leave some payloads sound"


@pytest.mark.parametrize(
    "payload",
    [
        b"[" * 200_000,
        b'{"a":' * 50_000,
        b'{"at":1,"x":' + b"[" * 100_000 + b"]" * 100_000 + b',"values":{"temperature":1}}',
        b'{"at":' + b"9" * 10_000 + b',"values":{"temperature":1}}',
        b'{"at":1,"seq":' + b"9" * 4_000 + b',"values":{"temperature":1}}',
        b'{"at":1,"values":{"' + b"t" * 100_000 + b'":1}}',
        b"[" + b",".join([b'{"at":1764000000000,"values":{"temperature":1}}'] * 5_000) + b"]",
        b"[" + b",".join([b'{"at":1,"values":{"temperature":1}}'] * 7_000) + b"]",
    ],
    ids=["arrays", "objects", "deep_unknown_key", "huge_time", "huge_seq", "long_name", "full", "full_clock"],
)
def test_large_and_deep_payloads_are_decided_and_their_answer_is_small(payload: bytes) -> None:
    for known in ROUTES.values():
        admitted = admit(known, payload, NOW_US)
        check(admitted)
        assert len(admitted.rejections) <= 2
        assert all(len(r.detail) + len(r.path) < 300 for r, _raw in admitted.rejections)
