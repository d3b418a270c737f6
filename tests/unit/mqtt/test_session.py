"""The session's rules: sign-in, keep-alive, subscriptions, goodbyes; time is given."""

import pytest

from ingest.mqtt import codes, encode
from ingest.mqtt import properties as p
from ingest.mqtt.codes import Code, ProtocolError
from ingest.mqtt.control import Acknowledged, Connect, Disconnect, Ping, Subscribe, Unsubscribe
from ingest.mqtt.session import HEAD_BYTES, MAX_KEEP_ALIVE_S, Limits, Session, State, may_read
from schemas.device_topics import is_frame
from schemas.registry import Device

LIMITS = Limits(payload=1000, frame_payload=5000, connect_timeout_s=10.0)


def device(name: str = "d1", kind: str = "probe", behind: str = "", retired: int | None = None) -> Device:
    return Device(
        id=name,
        kind=kind,
        enterprise="e",
        site="s",
        interval_us=1,
        profile="p",
        behind=behind,
        retired_us=retired,
    )


def connecting(version: int = 4, **fields: object) -> Connect:
    known: dict[str, object] = {
        "client_id": "c",
        "clean": True,
        "keep_alive_s": 60,
        "username": "d1",
        "password": b"t",
    }
    return Connect(version=version, **(known | fields))  # type: ignore[arg-type]


def signed_in(version: int = 4, now_s: float = 100.0, kind: str = "probe", **fields: object) -> Session:
    session = Session(LIMITS, now_s)
    assert session.begin(connecting(version, **fields)) is None
    session.accept(device(kind=kind), now_s)
    return session


def anything(owner: Device, topic: str) -> bool:
    return True


def test_a_sign_in_is_answered_in_3_1_1() -> None:
    session = Session(LIMITS, 0)
    assert session.begin(connecting()) is None
    assert session.accept(device(), 0) == b"\x20\x02\x00\x00"
    assert session.state is State.OPEN


@pytest.mark.parametrize(("kind", "largest"), [("probe", 1000), ("camera", 5000), ("gateway", 5000)])
def test_mqtt_5_is_told_what_this_server_takes(kind: str, largest: int) -> None:
    session = Session(LIMITS, 0)
    session.begin(connecting(5, client_id=""))
    answer = session.accept(device(kind=kind), 0)
    found, end = p.read_properties(answer, 4, len(answer), frozenset(range(0x30)))
    assert (answer[0], end) == (0x20, len(answer))
    assert found.pop(p.ASSIGNED_CLIENT_ID) == session.client_id
    assert session.client_id.startswith("d1-")
    assert found == {
        p.SESSION_EXPIRY: 0,
        p.RECEIVE_MAXIMUM: 65_535,
        p.RETAIN_AVAILABLE: 0,
        p.MAXIMUM_PACKET_SIZE: largest + HEAD_BYTES,
        p.TOPIC_ALIAS_MAXIMUM: 0,
        p.WILDCARD_AVAILABLE: 0,
        p.SUBSCRIPTION_ID_AVAILABLE: 0,
        p.SHARED_AVAILABLE: 0,
        p.SERVER_KEEP_ALIVE: 60,
    }


@pytest.mark.parametrize(
    ("version", "fields", "refusal"),
    [
        (4, {"username": None, "password": None}, codes.NO_USERNAME),
        (5, {"password": None}, codes.NO_USERNAME),
        (4, {"client_id": "", "clean": False}, codes.EMPTY_CLIENT_ID),
        (5, {"will_qos": 2}, None),
        (5, {"will_qos": 0, "will_retain": True}, codes.WILL_RETAIN),
        (5, {"properties": {p.AUTH_METHOD: "SCRAM"}}, codes.AUTH_METHOD),
        (4, {"will_qos": 2, "will_retain": True}, None),
        (5, {"client_id": "", "clean": False}, None),
    ],
)
def test_what_a_connect_may_ask_for(
    version: int, fields: dict[str, object], refusal: codes.SignInRefusal | None
) -> None:
    assert Session(LIMITS, 0).begin(connecting(version, **fields)) is refusal


def test_a_refusal_has_each_version_s_own_code() -> None:
    three, five = Session(LIMITS, 0), Session(LIMITS, 0)
    three.begin(connecting(4))
    five.begin(connecting(5))
    assert three.refuse(codes.BAD_TOKEN) == b"\x20\x02\x00\x04"
    assert five.refuse(codes.UNAVAILABLE)[3] == Code.SERVER_UNAVAILABLE
    assert three.state is five.state is State.CLOSED


def test_the_keep_alive_ends_after_one_and_a_half_of_it() -> None:
    session = signed_in(now_s=100, keep_alive_s=60)
    assert session.deadline_s() == 190
    session.heard(150)
    assert session.deadline_s() == 240


def test_keep_alive_0_never_ends_in_3_1_1_and_is_capped_in_5() -> None:
    assert signed_in(4, keep_alive_s=0).deadline_s() is None
    assert signed_in(5, now_s=0, keep_alive_s=0).deadline_s() == MAX_KEEP_ALIVE_S * 1.5
    assert signed_in(5, now_s=0, keep_alive_s=50_000).deadline_s() == MAX_KEEP_ALIVE_S * 1.5


def test_a_connect_must_come_in_time_and_is_not_due_while_it_is_checked() -> None:
    session = Session(LIMITS, 5)
    assert session.deadline_s() == 15
    session.begin(connecting())
    assert session.deadline_s() is None


def test_ping_puback_and_disconnect_are_answered() -> None:
    session = signed_in()
    assert session.answer(Ping(), anything) == encode.PINGRESP
    assert session.answer(Acknowledged(), anything) == b""
    assert session.answer(Disconnect(), anything) == b""
    assert session.state is State.CLOSED


def test_a_second_connect_is_an_error() -> None:
    with pytest.raises(ProtocolError) as caught:
        signed_in().answer(connecting(), anything)
    assert caught.value.code is Code.PROTOCOL_ERROR


def test_each_filter_of_a_subscription_is_decided_for_itself() -> None:
    topics = ("cw/v1/e/d1/errors", "cw/v1/e/d2/errors", "cw/v1/#", "$share/g/cw/v1/e/d1/errors")
    session = signed_in(5)
    answer = session.answer(Subscribe(b"\x00\x01", topics), lambda owner, topic: "d1" in topic)
    assert list(answer[5:]) == [
        0,
        Code.NOT_AUTHORIZED,
        Code.WILDCARD_NOT_SUPPORTED,
        Code.SHARED_NOT_SUPPORTED,
    ]
    assert session.subscriptions == {"cw/v1/e/d1/errors"}
    three = signed_in(4).answer(Subscribe(b"\x00\x01", topics), lambda owner, topic: "d1" in topic)
    assert list(three[4:]) == [0, 0x80, 0x80, 0x80]


def test_a_subscription_identifier_is_refused() -> None:
    with pytest.raises(ProtocolError) as caught:
        signed_in(5).answer(Subscribe(b"\x00\x01", ("t",), {p.SUBSCRIPTION_ID: 1}), anything)
    assert caught.value.code is Code.SUBSCRIPTION_ID_NOT_SUPPORTED


def test_unsubscribing_says_what_was_there() -> None:
    session = signed_in(5)
    session.answer(Subscribe(b"\x00\x01", ("a",)), anything)
    answer = session.answer(Unsubscribe(b"\x00\x02", ("a", "b")), anything)
    assert list(answer[-2:]) == [0, Code.NO_SUBSCRIPTION_EXISTED]
    assert session.subscriptions == set()


def test_a_notice_larger_than_the_client_takes_is_not_sent() -> None:
    session = signed_in(5, properties={p.MAXIMUM_PACKET_SIZE: 20})
    assert session.publish("t", b"x") != b""
    assert session.publish("t", b"x" * 20) == b""


def test_goodbye_is_a_disconnect_in_5_and_nothing_in_3_1_1() -> None:
    assert signed_in(4).leave(Code.SESSION_TAKEN_OVER) == b""
    session = signed_in(5)
    assert session.leave(Code.SESSION_TAKEN_OVER)[:1] == b"\xe0"
    assert session.leave(Code.SESSION_TAKEN_OVER) == b""


def test_goodbye_before_the_sign_in_is_a_connack() -> None:
    session = Session(LIMITS, 0)
    assert session.leave(Code.UNSUPPORTED_VERSION) == b"\x20\x02\x00\x01"
    session = Session(LIMITS, 0)
    session.version = 5
    assert session.leave(Code.MALFORMED_PACKET)[:4] == b"\x20\x03\x00\x81"


CHILD, FOREIGN = device("child", behind="g"), device("foreign", behind="other")
KNOWN = {d.id: d for d in (CHILD, FOREIGN, device("old", behind="g", retired=1))}


@pytest.mark.parametrize(
    ("topic", "allowed"),
    [
        ("cw/v1/e/g/errors", True),
        ("cw/v1/e/g/config", True),
        ("cw/v1/e/child/errors", True),
        ("cw/v1/e/foreign/errors", False),
        ("cw/v1/e/old/errors", False),
        ("cw/v1/other/g/errors", False),
        ("cw/v1/e/nobody/errors", False),
        ("cw/v1/e/g/telemetry", False),
        ("cw/v1/e/g/errors/x", False),
        ("cw/v2/e/g/errors", False),
        ("$SYS/broker/version", False),
    ],
)
def test_a_gateway_reads_its_own_errors_and_its_children_s(topic: str, allowed: bool) -> None:
    assert may_read(device("g", "gateway"), topic, KNOWN.get) is allowed


def test_only_a_gateway_reads_for_others() -> None:
    assert not may_read(device("g", "probe"), "cw/v1/e/child/errors", KNOWN.get)


@pytest.mark.parametrize(
    ("topic", "frame"),
    [
        (b"cw/v1/e/d/frame/1/2", True),
        (b"cw/v1/e/d/frame", True),
        (b"cw/v1/e/d/telemetry", False),
        (b"x/v1/e/d/frame", False),
        (b"frame", False),
    ],
)
def test_frame_topics_are_told_from_others(topic: bytes, frame: bool) -> None:
    assert is_frame(topic) is frame
