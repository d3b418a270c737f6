"""MQTT 5 properties (section 2.2.2): read and checked, written. Total: a value or a ProtocolError."""

from typing import Final

from ingest.mqtt.codes import Code, ProtocolError

PAYLOAD_FORMAT: Final = 0x01
MESSAGE_EXPIRY: Final = 0x02
CONTENT_TYPE: Final = 0x03
RESPONSE_TOPIC: Final = 0x08
CORRELATION_DATA: Final = 0x09
SUBSCRIPTION_ID: Final = 0x0B
SESSION_EXPIRY: Final = 0x11
ASSIGNED_CLIENT_ID: Final = 0x12
SERVER_KEEP_ALIVE: Final = 0x13
AUTH_METHOD: Final = 0x15
AUTH_DATA: Final = 0x16
REQUEST_PROBLEM: Final = 0x17
WILL_DELAY: Final = 0x18
REQUEST_RESPONSE: Final = 0x19
REASON_STRING: Final = 0x1F
RECEIVE_MAXIMUM: Final = 0x21
TOPIC_ALIAS_MAXIMUM: Final = 0x22
TOPIC_ALIAS: Final = 0x23
MAXIMUM_QOS: Final = 0x24
RETAIN_AVAILABLE: Final = 0x25
USER_PROPERTY: Final = 0x26
MAXIMUM_PACKET_SIZE: Final = 0x27
WILDCARD_AVAILABLE: Final = 0x28
SUBSCRIPTION_ID_AVAILABLE: Final = 0x29
SHARED_AVAILABLE: Final = 0x2A

IN_CONNECT: Final = frozenset(
    {
        SESSION_EXPIRY,
        AUTH_METHOD,
        AUTH_DATA,
        REQUEST_PROBLEM,
        REQUEST_RESPONSE,
        RECEIVE_MAXIMUM,
        TOPIC_ALIAS_MAXIMUM,
        USER_PROPERTY,
        MAXIMUM_PACKET_SIZE,
    }
)
IN_WILL: Final = frozenset(
    {
        PAYLOAD_FORMAT,
        MESSAGE_EXPIRY,
        CONTENT_TYPE,
        RESPONSE_TOPIC,
        CORRELATION_DATA,
        WILL_DELAY,
        USER_PROPERTY,
    }
)
IN_PUBLISH: Final = frozenset(
    {
        PAYLOAD_FORMAT,
        MESSAGE_EXPIRY,
        CONTENT_TYPE,
        RESPONSE_TOPIC,
        CORRELATION_DATA,
        TOPIC_ALIAS,
        USER_PROPERTY,
    }
)
IN_SUBSCRIBE: Final = frozenset({SUBSCRIPTION_ID, USER_PROPERTY})
IN_UNSUBSCRIBE: Final = frozenset({USER_PROPERTY})
IN_ACK: Final = frozenset({REASON_STRING, USER_PROPERTY})
IN_DISCONNECT: Final = frozenset({SESSION_EXPIRY, REASON_STRING, USER_PROPERTY})
"""Which properties each packet from a client may carry."""

Value = int | str | bytes

_INTEGER_BYTES: Final = {
    PAYLOAD_FORMAT: 1,
    MESSAGE_EXPIRY: 4,
    SESSION_EXPIRY: 4,
    SERVER_KEEP_ALIVE: 2,
    REQUEST_PROBLEM: 1,
    WILL_DELAY: 4,
    REQUEST_RESPONSE: 1,
    RECEIVE_MAXIMUM: 2,
    TOPIC_ALIAS_MAXIMUM: 2,
    TOPIC_ALIAS: 2,
    MAXIMUM_QOS: 1,
    RETAIN_AVAILABLE: 1,
    MAXIMUM_PACKET_SIZE: 4,
    WILDCARD_AVAILABLE: 1,
    SUBSCRIPTION_ID_AVAILABLE: 1,
    SHARED_AVAILABLE: 1,
}
_TEXTS: Final = frozenset({CONTENT_TYPE, RESPONSE_TOPIC, ASSIGNED_CLIENT_ID, AUTH_METHOD, REASON_STRING})
_BINARIES: Final = frozenset({CORRELATION_DATA, AUTH_DATA})
_FLAGS: Final = frozenset({PAYLOAD_FORMAT, REQUEST_PROBLEM, REQUEST_RESPONSE})
_NOT_ZERO: Final = frozenset({RECEIVE_MAXIMUM, MAXIMUM_PACKET_SIZE, SUBSCRIPTION_ID})


def malformed(sentence: str) -> ProtocolError:
    return ProtocolError(Code.MALFORMED_PACKET, sentence)


def read_binary(data: bytes, pos: int, stop: int) -> tuple[bytes, int]:
    """A two-byte length and so many bytes; returns them and the position behind."""
    start = pos + 2
    if start > stop:
        raise malformed("a length is cut off")
    end = start + (data[pos] << 8 | data[pos + 1])
    if end > stop:
        raise malformed("a string is longer than its packet")
    return data[start:end], end


def read_text(data: bytes, pos: int, stop: int) -> tuple[str, int]:
    """A UTF-8 string without U+0000."""
    raw, end = read_binary(data, pos, stop)
    return text_of(raw), end


def text_of(raw: bytes) -> str:
    """Raises ProtocolError on what MQTT does not take for a string: bad UTF-8, surrogates, U+0000."""
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise malformed("a string is not UTF-8") from None
    if "\0" in text:
        raise malformed("a string holds U+0000")
    return text


def read_varint(data: bytes, pos: int, stop: int) -> tuple[int, int]:
    """A variable byte integer of one to four bytes, in its shortest form."""
    value = 0
    for shift in (0, 7, 14, 21):
        if pos >= stop:
            raise malformed("a length is cut off")
        byte = data[pos]
        pos += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            if byte == 0 and shift:
                raise malformed("a length is not in its shortest form")
            return value, pos
    raise malformed("a length has more than four bytes")


def read_properties(
    data: bytes, pos: int, stop: int, allowed: frozenset[int]
) -> tuple[dict[int, Value], int]:
    """The properties at `pos`, which end before `stop`; returns them and the position behind.

    User properties are checked and left out: nothing here reads them.
    """
    length, pos = read_varint(data, pos, stop)
    end = pos + length
    if end > stop:
        raise malformed("the properties are longer than their packet")
    found: dict[int, Value] = {}
    while pos < end:
        number, pos = read_varint(data, pos, end)
        if number not in allowed:
            raise malformed(f"property {number:#04x} does not belong in this packet")
        if number == USER_PROPERTY:
            _, pos = read_text(data, pos, end)
            _, pos = read_text(data, pos, end)
            continue
        if number in found:
            raise ProtocolError(Code.PROTOCOL_ERROR, f"property {number:#04x} is given twice")
        found[number], pos = _read_value(number, data, pos, end)
    return found, end


def _read_value(number: int, data: bytes, pos: int, end: int) -> tuple[Value, int]:
    if number in _TEXTS:
        return read_text(data, pos, end)
    if number in _BINARIES:
        return read_binary(data, pos, end)
    if number == SUBSCRIPTION_ID:
        value, behind = read_varint(data, pos, end)
    else:
        behind = pos + _INTEGER_BYTES[number]
        if behind > end:
            raise malformed("a property is cut off")
        value = int.from_bytes(data[pos:behind], "big")
    if (number in _FLAGS and value > 1) or (number in _NOT_ZERO and value == 0):
        raise ProtocolError(Code.PROTOCOL_ERROR, f"property {number:#04x} cannot be {value}")
    return value, behind


def varint(value: int) -> bytes:
    """`value` as a variable byte integer; at most 268,435,455."""
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def text(value: str) -> bytes:
    """`value` as an MQTT string; at most 65,535 bytes."""
    raw = value.encode()
    return len(raw).to_bytes(2, "big") + raw


def write_properties(values: dict[int, int | str]) -> bytes:
    """Properties with their length before them."""
    body = b"".join(
        bytes((number,))
        + (text(value) if isinstance(value, str) else value.to_bytes(_INTEGER_BYTES[number], "big"))
        for number, value in values.items()
    )
    return varint(len(body)) + body
