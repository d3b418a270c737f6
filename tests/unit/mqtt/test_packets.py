"""The parser against vectors of both versions, cut at every byte, at its bounds, and on what is wrong."""

import hashlib

import pytest

from ingest.mqtt import encode
from ingest.mqtt import properties as p
from ingest.mqtt.codes import Code
from ingest.mqtt.control import Acknowledged, Connect, Disconnect, Ping, Release, Subscribe, Unsubscribe
from ingest.mqtt.packets import MAX_CONNECT_BYTES, Packet, Parser, TooLarge
from schemas.device_topics import is_frame
from tests.mqtt_client import connect, packet, publish, subscribe, unsubscribe

LIMIT, LARGE = 4096, 65_536


def opened(version: int, limit: int = LIMIT, large: int = LARGE) -> Parser:
    parser = Parser()
    assert parser.feed(connect(version, "d1", "token")) != []
    parser.open(limit, large, is_frame)
    return parser


def read(version: int, data: bytes) -> tuple[list[Packet], Code | None]:
    parser = opened(version)
    packets = parser.feed(data)
    return packets, parser.error.code if parser.error else None


def test_connect_3_1_1_gives_identity_and_keep_alive() -> None:
    raw = bytes.fromhex("101a 0004 4d515454 04 c2 003c 0002 6331 0002 6431 0006 7365637265 74")
    (found,) = Parser().feed(raw)
    assert found == Connect(
        version=4, client_id="c1", clean=True, keep_alive_s=60, username="d1", password=b"secret"
    )


def test_connect_5_gives_its_properties_and_leaves_user_properties_out() -> None:
    properties = b"\x11" + (30).to_bytes(4, "big") + b"\x21\x00\x14" + b"\x26\x00\x01k\x00\x01v"
    raw = connect(5, "d1", "token", properties=properties)
    (found,) = Parser().feed(raw)
    assert isinstance(found, Connect)
    assert found.properties == {p.SESSION_EXPIRY: 30, p.RECEIVE_MAXIMUM: 20}


@pytest.mark.parametrize("version", [4, 5])
def test_a_will_is_read_over(version: int) -> None:
    will = (b"\x00" if version == 5 else b"") + b"\x00\x01t" + b"\x00\x02hi"
    (found,) = Parser().feed(connect(version, "d1", "token", will=will, will_qos=1))
    assert isinstance(found, Connect)
    assert (found.will_qos, found.username, found.password) == (1, "d1", b"token")


@pytest.mark.parametrize("version", [4, 5])
def test_a_stream_cut_at_every_byte_gives_the_same_packets(version: int) -> None:
    stream = b"".join(
        [
            publish(version, "cw/v1/e/d1/telemetry", b"{}", 1),
            publish(version, "cw/v1/e/d1/telemetry", b"x" * 300, 2),
            publish(version, "cw/v1/e/d1/telemetry", b"", 0),
            subscribe(version, 7, ["cw/v1/e/d1/errors"]),
            unsubscribe(version, 8, ["cw/v1/e/d1/errors"]),
            b"\xc0\x00",
            packet(0x40, b"\x00\x09"),
            publish(version, "cw/v1/e/d1/frame/1/1", b"y" * (LIMIT + 10), 3),
            b"\xe0\x00",
        ]
    )
    whole, error = read(version, stream)
    assert error is None
    assert [type(found) for found in whole] == [
        *[tuple] * 3,
        Subscribe,
        Unsubscribe,
        Ping,
        Acknowledged,
        tuple,
        Disconnect,
    ]
    for cut in range(len(stream)):
        parser = opened(version)
        assert parser.feed(stream[:cut]) + parser.feed(stream[cut:]) == whole
    parser = opened(version)
    assert [found for byte in stream for found in parser.feed(bytes((byte,)))] == whole


@pytest.mark.parametrize("version", [4, 5])
def test_publish_gives_topic_packet_id_and_payload(version: int) -> None:
    (found,), _ = read(version, publish(version, "t", b"payload", 258))
    assert found[1:] == (b"t", b"\x01\x02", b"payload")  # type: ignore[index]


def test_publish_properties_are_read_over() -> None:
    properties = b"\x01\x01\x02\x00\x00\x00\x3c\x03\x00\x04json\x26\x00\x01a\x00\x01b"
    (found,), error = read(5, publish(5, "t", b"x", 1, properties=properties))
    assert (found[3], error) == (b"x", None)  # type: ignore[index]


def test_a_content_type_is_told_when_it_makes_a_difference() -> None:
    parser = Parser()
    parser.feed(connect(5, "d1", "token"))
    parser.open(LIMIT, LARGE, is_frame, frozenset({"a/b"}))
    packets = [
        publish(5, "t", b"x", mid, properties=b"\x03\x00\x03" + said)
        for mid in (0, 1)
        for said in (b"a/b", b"a/c")
    ]
    topics = [found[1] for found in parser.feed(b"".join(packets)) if isinstance(found, tuple)]
    assert topics == [(b"t", "a/b"), b"t", (b"t", "a/b"), b"t"]


def test_what_follows_connect_waits_until_the_client_has_signed_in() -> None:
    parser = Parser()
    first = parser.feed(connect(4, "d1", "token") + publish(4, "t", b"1", 1))
    assert [type(found) for found in first] == [Connect]
    assert parser.feed(publish(4, "t", b"2", 2)) == []
    parser.open(LIMIT, LARGE, is_frame)
    assert [found[3] for found in parser.feed(b"")] == [b"1", b"2"]  # type: ignore[index]


BROKEN = {
    "QoS 3": (0x36, b"\x00\x01t\x00\x01", Code.MALFORMED_PACKET),
    "QoS 2 with packet id 0": (0x34, b"\x00\x01t\x00\x00", Code.MALFORMED_PACKET),
    "QoS 2 without packet id": (0x34, b"\x00\x01t\x00", Code.MALFORMED_PACKET),
    "DUP at QoS 0": (0x38, b"\x00\x01t", Code.MALFORMED_PACKET),
    "packet id 0": (0x32, b"\x00\x01t\x00\x00", Code.MALFORMED_PACKET),
    "topic beyond the packet": (0x32, b"\x00\x09t\x00\x01", Code.MALFORMED_PACKET),
    "empty publish": (0x32, b"", Code.MALFORMED_PACKET),
    "empty publish at QoS 0": (0x30, b"", Code.MALFORMED_PACKET),
    "subscribe with wrong flags": (0x80, b"\x00\x01\x00\x01t\x00", Code.MALFORMED_PACKET),
    "ping with a body": (0xC0, b"\x00", Code.MALFORMED_PACKET),
    "reserved type 0": (0x00, b"", Code.MALFORMED_PACKET),
    "PUBREL with wrong flags": (0x60, b"\x00\x01", Code.MALFORMED_PACKET),
    "PUBREL of packet id 0": (0x62, b"\x00\x00", Code.MALFORMED_PACKET),
    "PUBREC from a client": (0x50, b"\x00\x01", Code.PROTOCOL_ERROR),
    "CONNACK from a client": (0x20, b"\x00\x00", Code.PROTOCOL_ERROR),
    "a second CONNECT": (0x10, b"\x00\x04MQTT\x04\x02\x00\x00\x00\x00", Code.PROTOCOL_ERROR),
    "PUBACK without id": (0x40, b"", Code.MALFORMED_PACKET),
}


@pytest.mark.parametrize("version", [4, 5])
@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_packet_ends_the_stream_with_its_code(version: int, name: str) -> None:
    first, body, code = BROKEN[name]
    good = publish(version, "t", b"before", 1)
    packets, error = read(version, good + packet(first, body) + good)
    assert [found[3] for found in packets] == [b"before"]  # type: ignore[index]
    assert error is code


BROKEN_5 = {
    "topic alias": (publish(5, "t", b"", 1, properties=b"\x23\x00\x01"), Code.TOPIC_ALIAS_INVALID),
    "property of another packet": (
        publish(5, "t", b"", 1, properties=b"\x21\x00\x01"),
        Code.MALFORMED_PACKET,
    ),
    "unknown property": (publish(5, "t", b"", 1, properties=b"\x7f"), Code.MALFORMED_PACKET),
    "property twice": (publish(5, "t", b"", 1, properties=b"\x01\x01\x01\x01"), Code.PROTOCOL_ERROR),
    "property cut off": (publish(5, "t", b"", 1, properties=b"\x02\x00"), Code.MALFORMED_PACKET),
    "flag of 2": (publish(5, "t", b"", 1, properties=b"\x01\x02"), Code.PROTOCOL_ERROR),
    "properties beyond the packet": (packet(0x32, b"\x00\x01t\x00\x01\x09"), Code.MALFORMED_PACKET),
    "properties missing": (packet(0x32, b"\x00\x01t\x00\x01"), Code.MALFORMED_PACKET),
    "retained": (packet(0x33, b"\x00\x01t\x00\x01\x00"), Code.RETAIN_NOT_SUPPORTED),
    "AUTH": (packet(0xF0, b"\x00\x00"), Code.PROTOCOL_ERROR),
    "subscribe without filter": (packet(0x82, b"\x00\x01\x00"), Code.PROTOCOL_ERROR),
    "subscribe to invalid UTF-8": (packet(0x82, b"\x00\x01\x00\x00\x01\xff\x00"), Code.MALFORMED_PACKET),
    "retain handling 3": (packet(0x82, b"\x00\x01\x00\x00\x01t\x30"), Code.MALFORMED_PACKET),
}


@pytest.mark.parametrize("name", BROKEN_5)
def test_mqtt_5_says_what_is_wrong(name: str) -> None:
    data, code = BROKEN_5[name]
    assert read(5, data) == ([], code)


def test_a_retained_message_of_3_1_1_is_taken_like_any_other() -> None:
    (found,), error = read(4, packet(0x33, b"\x00\x01t\x00\x01x"))
    assert (found[3], error) == (b"x", None)  # type: ignore[index]


BROKEN_CONNECT = {
    "another packet first": (b"\xc0\x00", Code.PROTOCOL_ERROR),
    "TLS": (b"\x16\x03\x01\x02\x00\x01", Code.PROTOCOL_ERROR),
    "HTTP": (b"GET / HTTP/1.1\r\n\r\n", Code.PROTOCOL_ERROR),
    "MQTT 3.1": (packet(0x10, b"\x00\x06MQIsdp\x03\x02\x00\x00\x00\x01a"), Code.UNSUPPORTED_VERSION),
    "MQTT 6": (packet(0x10, b"\x00\x04MQTT\x06\x02\x00\x00\x00\x01a"), Code.UNSUPPORTED_VERSION),
    "reserved flag": (packet(0x10, b"\x00\x04MQTT\x04\x03\x00\x00\x00\x01a"), Code.MALFORMED_PACKET),
    "will QoS without will": (packet(0x10, b"\x00\x04MQTT\x04\x0a\x00\x00\x00\x01a"), Code.MALFORMED_PACKET),
    "password without user": (
        packet(0x10, b"\x00\x04MQTT\x04\x42\x00\x00\x00\x01a\x00\x01p"),
        Code.MALFORMED_PACKET,
    ),
    "cut inside": (packet(0x10, b"\x00\x04MQTT\x04\xc2\x00\x00\x00\x01a\x00\x09"), Code.MALFORMED_PACKET),
    "something behind": (packet(0x10, b"\x00\x04MQTT\x04\x02\x00\x00\x00\x01axx"), Code.MALFORMED_PACKET),
    "NUL in the name": (packet(0x10, b"\x00\x04MQTT\x04\x02\x00\x00\x00\x01\x00"), Code.MALFORMED_PACKET),
    "empty body": (packet(0x10, b""), Code.MALFORMED_PACKET),
    "too long": (b"\x10\xff\xff\x7f", Code.PACKET_TOO_LARGE),
    "length of five bytes": (b"\x10\xff\xff\xff\xff\x01", Code.MALFORMED_PACKET),
    "length not shortest": (b"\x10\x80\x00", Code.MALFORMED_PACKET),
}


@pytest.mark.parametrize("name", BROKEN_CONNECT)
def test_a_broken_sign_in_ends_the_stream_with_its_code(name: str) -> None:
    data, code = BROKEN_CONNECT[name]
    parser = Parser()
    assert parser.feed(data) == []
    assert parser.error is not None
    assert parser.error.code is code


@pytest.mark.parametrize("version", [4, 5])
def test_the_limit_holds_for_the_whole_packet(version: int) -> None:
    head = len(publish(version, "cw/v1/e/d/telemetry", b"x" * 200, 1)) - 200
    fits = publish(version, "cw/v1/e/d/telemetry", b"x" * (LIMIT - head), 1)
    assert len(fits) == LIMIT
    assert len(read(version, fits)[0]) == 1
    over = publish(version, "cw/v1/e/d/telemetry", b"x" * (LIMIT - head + 1), 1)
    assert [type(found) for found in read(version, over)[0]] == [TooLarge]


def test_a_frame_may_be_larger_up_to_its_own_limit() -> None:
    topic = "cw/v1/e/c/frame/1/1"
    head = len(publish(4, topic, b"x" * 20_000, 1)) - 20_000
    assert len(read(4, publish(4, topic, b"x" * (LARGE - head), 1))[0]) == 1
    (over,), error = read(4, publish(4, topic, b"x" * (LARGE - head + 1), 1))
    assert isinstance(over, TooLarge)
    assert (over.limit, over.size, error) == (LARGE, LARGE - head + 1, None)


def test_a_packet_too_large_to_be_read_away_is_refused_before_its_body_has_come() -> None:
    parser = opened(4)
    assert parser.feed(b"\x32\x81\x80\x80\x08\x00\x01t\x00\x01xxxx") == []  # 16 MiB and a byte
    assert parser.error is not None
    assert parser.error.code is Code.PACKET_TOO_LARGE
    assert parser.buffered == 0


@pytest.mark.parametrize("version", [4, 5])
@pytest.mark.parametrize("mid", [0, 1])
def test_what_is_too_large_is_read_away_and_what_stands_around_it_is_read(version: int, mid: int) -> None:
    body = bytes(range(256)) * (LIMIT // 256 + 20)
    good = [publish(version, "t", text, 7) for text in (b"before", b"after")]
    stream = good[0] + publish(version, "cw/v1/e/d/telemetry", body, mid) + good[1]
    whole, error = read(version, stream)
    first, over, last = whole
    assert (first[3], last[3], error) == (b"before", b"after", None)  # type: ignore[index]
    assert isinstance(over, TooLarge)
    properties = b"\0" if version == 5 else b""
    assert over.topic == b"cw/v1/e/d/telemetry"
    assert over.mid == (b"\x00\x01" if mid else b"")
    assert over.head == (properties + body)[:4096]
    assert over.sha256 == hashlib.sha256(properties + body).hexdigest()
    assert (over.size, over.limit) == (len(properties + body), LIMIT)
    for cut in (*range(60), len(stream) // 2, *range(len(stream) - 60, len(stream))):
        parser = opened(version)
        assert parser.feed(stream[:cut]) + parser.feed(stream[cut:]) == whole
    parser = opened(version)
    assert [found for byte in stream for found in parser.feed(bytes((byte,)))] == whole


def test_what_is_read_away_is_not_held() -> None:
    parser = opened(4)
    data = publish(4, "cw/v1/e/d/telemetry", b"x" * 1_000_000, 1)
    for at in range(0, len(data) - 1, 4096):
        assert parser.feed(data[at : min(at + 4096, len(data) - 1)]) == []
        assert parser.buffered == 0
    assert [type(found) for found in parser.feed(data[-1:])] == [TooLarge]


def test_several_that_are_too_large_in_one_piece_are_each_read_away() -> None:
    data = publish(4, "t", b"x" * (LIMIT + 1), 1) * 3 + publish(4, "t", b"x", 2)
    assert [type(found) for found in read(4, data)[0]] == [TooLarge] * 3 + [tuple]


@pytest.mark.parametrize("version", [4, 5])
def test_qos_2_gives_its_packet_id_and_its_release(version: int) -> None:
    sent = publish(version, "t", b"x", 258)
    (found, release), error = read(version, b"\x34" + sent[1:] + packet(0x62, b"\x01\x02"))
    assert (found, error) == ((0x34, b"t", b"\x01\x02", b"x"), None)
    assert release == Release(b"\x01\x02")


def test_a_broken_stream_stays_broken() -> None:
    parser = opened(4)
    parser.feed(b"\x00\x00")
    assert parser.feed(publish(4, "t", b"x", 1)) == []


def test_a_client_that_has_not_signed_in_cannot_make_us_keep_more_than_the_bound() -> None:
    parser = Parser()
    head = b"\x10" + p.varint(MAX_CONNECT_BYTES - 3)
    parser.feed(head + b"\x00\x04MQTT\x04\x02" + b"x" * (MAX_CONNECT_BYTES - 100))
    assert parser.error is None
    assert parser.buffered < MAX_CONNECT_BYTES


def test_what_we_send_is_what_the_standard_says() -> None:
    assert encode.connack_v3(4) == b"\x20\x02\x00\x04"
    assert (
        encode.connack_v5(0, {p.MAXIMUM_QOS: 1, p.SERVER_KEEP_ALIVE: 60})
        == b"\x20\x08\x00\x00\x05\x24\x01\x13\x00\x3c"
    )
    assert encode.with_code(encode.PUBACK, b"\x00\x01", 0x87) == b"\x40\x03\x00\x01\x87"
    assert encode.with_code(encode.PUBREC, b"\x00\x01", 0x87) == b"\x50\x03\x00\x01\x87"
    assert encode.suback(4, b"\x00\x01", [0, 0x80]) == b"\x90\x04\x00\x01\x00\x80"
    assert encode.suback(5, b"\x00\x01", [0]) == b"\x90\x04\x00\x01\x00\x00"
    assert encode.unsuback(4, b"\x00\x01", [0]) == b"\xb0\x02\x00\x01"
    assert encode.unsuback(5, b"\x00\x01", [0]) == b"\xb0\x04\x00\x01\x00\x00"
    assert encode.publish(4, "t", b"x") == b"\x30\x04\x00\x01tx"
    assert encode.publish(5, "t", b"x") == b"\x30\x05\x00\x01t\x00x"
    assert encode.disconnect(Code.SESSION_TAKEN_OVER, {}) == b"\xe0\x02\x8e\x00"
