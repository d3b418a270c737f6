"""Every MQTT packet from a client but PUBLISH: shapes, and how each is read. Pure and total, off the hot path."""

from typing import Final

import msgspec

from ingest.mqtt import properties as p
from ingest.mqtt.codes import Code, ProtocolError

V3: Final = 4
V5: Final = 5


class Connect(msgspec.Struct, frozen=True, kw_only=True):
    """A sign-in. The will is checked and then forgotten: nothing here would publish it."""

    version: int
    client_id: str
    clean: bool
    keep_alive_s: int
    username: str | None = None
    password: bytes | None = None
    will_qos: int | None = None
    will_retain: bool = False
    properties: dict[int, p.Value] = {}


class Subscribe(msgspec.Struct, frozen=True):
    mid: bytes
    filters: tuple[str, ...]
    properties: dict[int, p.Value] = {}


class Unsubscribe(msgspec.Struct, frozen=True):
    mid: bytes
    filters: tuple[str, ...]


class Ping(msgspec.Struct, frozen=True):
    pass


class Acknowledged(msgspec.Struct, frozen=True):
    """A PUBACK from the client; nothing waits for it, since we publish at QoS 0."""


class Release(msgspec.Struct, frozen=True):
    """A PUBREL: the client knows that its message at QoS 2 is here."""

    mid: bytes


class Disconnect(msgspec.Struct, frozen=True):
    code: int = 0


Control = Connect | Subscribe | Unsubscribe | Ping | Acknowledged | Release | Disconnect


def topic_text(raw: bytes) -> str:
    """The topic of a PUBLISH. Raises ProtocolError when it is empty, no UTF-8 or has wildcards."""
    topic = p.text_of(raw)
    if not topic:
        raise ProtocolError(Code.PROTOCOL_ERROR, "the topic is empty")
    if "#" in topic or "+" in topic:
        raise ProtocolError(Code.TOPIC_NAME_INVALID, "a topic to publish on has no wildcards")
    return topic


def read_protocol(data: bytes, pos: int, stop: int) -> tuple[int, int]:
    """The protocol version at the head of a CONNECT, and the position behind it."""
    name, pos = p.read_binary(data, pos, stop)
    if pos >= stop:
        raise p.malformed("CONNECT is cut off")
    if name != b"MQTT" or data[pos] not in (V3, V5):
        raise ProtocolError(Code.UNSUPPORTED_VERSION, "only MQTT 3.1.1 and 5 are spoken here")
    return data[pos], pos + 1


def read_connect(data: bytes, pos: int, stop: int, version: int) -> Connect:
    """What follows the protocol version in a CONNECT."""
    if pos + 3 > stop:
        raise p.malformed("CONNECT is cut off")
    flags = data[pos]
    keep_alive_s = data[pos + 1] << 8 | data[pos + 2]
    pos += 3
    has_will, will_qos, will_retain = bool(flags & 0x04), flags >> 3 & 3, bool(flags & 0x20)
    if flags & 0x01 or will_qos == 3 or (not has_will and (will_qos or will_retain)):
        raise p.malformed("flags of CONNECT")
    if version == V3 and flags & 0xC0 == 0x40:
        raise p.malformed("a password without a username")
    found: dict[int, p.Value] = {}
    if version == V5:
        found, pos = p.read_properties(data, pos, stop, p.IN_CONNECT)
        if p.AUTH_DATA in found and p.AUTH_METHOD not in found:
            raise ProtocolError(Code.PROTOCOL_ERROR, "authentication data without a method")
    client_id, pos = p.read_text(data, pos, stop)
    if has_will:
        pos = _skip_will(data, pos, stop, version)
    username = password = None
    if flags & 0x80:
        username, pos = p.read_text(data, pos, stop)
    if flags & 0x40:
        password, pos = p.read_binary(data, pos, stop)
    if pos != stop:
        raise p.malformed("CONNECT is longer than its fields")
    return Connect(
        version=version,
        client_id=client_id,
        clean=bool(flags & 0x02),
        keep_alive_s=keep_alive_s,
        username=username,
        password=password,
        will_qos=will_qos if has_will else None,
        will_retain=will_retain,
        properties=found,
    )


def _skip_will(data: bytes, pos: int, stop: int, version: int) -> int:
    if version == V5:
        _, pos = p.read_properties(data, pos, stop, p.IN_WILL)
    raw, pos = p.read_binary(data, pos, stop)
    topic_text(raw)
    _, pos = p.read_binary(data, pos, stop)
    return pos


def read_control(data: bytes, first: int, start: int, stop: int, version: int) -> Control:
    """Every packet but PUBLISH, of a client that has signed in."""
    kind, flags = first >> 4, first & 0x0F
    if flags != (0x02 if kind in (6, 8, 10) else 0x00):
        raise p.malformed("flags of the fixed header")
    if kind == 8:
        return _read_subscribe(data, start, stop, version)
    if kind == 10:
        return _read_unsubscribe(data, start, stop, version)
    if kind == 12:
        if start != stop:
            raise p.malformed("PINGREQ has no body")
        return Ping()
    if kind == 14:
        return _read_disconnect(data, start, stop, version)
    if kind == 4:
        _check_ack(data, start, stop, version)
        return Acknowledged()
    if kind == 6:
        _check_ack(data, start, stop, version)
        return Release(data[start : start + 2])
    if kind in (0, 15) and (kind == 0 or version == V3):
        raise p.malformed("a reserved packet type")
    raise ProtocolError(Code.PROTOCOL_ERROR, f"a client does not send packet type {kind} here")


def _read_mid(data: bytes, start: int, stop: int) -> bytes:
    mid = data[start : start + 2]
    if start + 2 > stop or mid == b"\0\0":
        raise p.malformed("the packet id is missing or 0")
    return mid


def _check_ack(data: bytes, start: int, stop: int, version: int) -> None:
    _read_mid(data, start, stop)
    if version == V3 and stop != start + 2:
        raise p.malformed("PUBACK has two bytes")
    if stop > start + 3:
        _, end = p.read_properties(data, start + 3, stop, p.IN_ACK)
        if end != stop:
            raise p.malformed("PUBACK is longer than its fields")


def _read_subscribe(data: bytes, start: int, stop: int, version: int) -> Subscribe:
    mid = _read_mid(data, start, stop)
    pos = start + 2
    found: dict[int, p.Value] = {}
    if version == V5:
        found, pos = p.read_properties(data, pos, stop, p.IN_SUBSCRIBE)
    filters: list[str] = []
    while pos < stop:
        topic_filter, pos = p.read_text(data, pos, stop)
        if pos >= stop:
            raise p.malformed("a subscription without options")
        options = data[pos]
        pos += 1
        wrong = options & 0xC0 or options & 0x30 == 0x30 if version == V5 else options & 0xFC
        if wrong or options & 0x03 == 0x03 or not topic_filter:
            raise p.malformed("a subscription's filter or options")
        filters.append(topic_filter)
    if not filters:
        raise ProtocolError(Code.PROTOCOL_ERROR, "SUBSCRIBE without a topic filter")
    return Subscribe(mid, tuple(filters), found)


def _read_unsubscribe(data: bytes, start: int, stop: int, version: int) -> Unsubscribe:
    mid = _read_mid(data, start, stop)
    pos = start + 2
    if version == V5:
        _, pos = p.read_properties(data, pos, stop, p.IN_UNSUBSCRIBE)
    filters: list[str] = []
    while pos < stop:
        topic_filter, pos = p.read_text(data, pos, stop)
        if not topic_filter:
            raise p.malformed("an empty topic filter")
        filters.append(topic_filter)
    if not filters:
        raise ProtocolError(Code.PROTOCOL_ERROR, "UNSUBSCRIBE without a topic filter")
    return Unsubscribe(mid, tuple(filters))


def _read_disconnect(data: bytes, start: int, stop: int, version: int) -> Disconnect:
    if start == stop:
        return Disconnect()
    if version == V3:
        raise p.malformed("DISCONNECT has no body")
    if stop > start + 1:
        _, end = p.read_properties(data, start + 1, stop, p.IN_DISCONNECT)
        if end != stop:
            raise p.malformed("DISCONNECT is longer than its fields")
    return Disconnect(data[start])
