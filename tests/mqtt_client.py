"""MQTT packets as a client writes them, by hand: the tests' own reading of the standard."""


def packet(first: int, body: bytes) -> bytes:
    length, rest = bytearray(), len(body)
    while True:
        length.append(rest & 0x7F | (0x80 if rest > 0x7F else 0))
        rest >>= 7
        if not rest:
            return bytes((first,)) + bytes(length) + body


def string(value: str | bytes) -> bytes:
    raw = value.encode() if isinstance(value, str) else value
    return len(raw).to_bytes(2, "big") + raw


def connect(
    version: int,
    username: str,
    password: str,
    *,
    client_id: str = "c",
    keep_alive_s: int = 60,
    properties: bytes = b"",
    will: bytes = b"",
    will_qos: int = 0,
) -> bytes:
    """`will`: its properties (5), topic and payload, ready made."""
    flags = 0xC2 | (0x04 | will_qos << 3 if will else 0)
    body = string("MQTT") + bytes((version, flags)) + keep_alive_s.to_bytes(2, "big")
    if version == 5:
        body += bytes((len(properties),)) + properties
    return packet(0x10, body + string(client_id) + will + string(username) + string(password))


def publish(version: int, topic: str, payload: bytes, mid: int, *, properties: bytes = b"") -> bytes:
    """At QoS 1, or at QoS 0 when `mid` is 0."""
    body = string(topic) + (mid.to_bytes(2, "big") if mid else b"")
    if version == 5:
        body += bytes((len(properties),)) + properties
    return packet(0x32 if mid else 0x30, body + payload)


def subscribe(version: int, mid: int, topics: list[str]) -> bytes:
    body = mid.to_bytes(2, "big") + (b"\0" if version == 5 else b"")
    return packet(0x82, body + b"".join(string(topic) + b"\x01" for topic in topics))


def unsubscribe(version: int, mid: int, topics: list[str]) -> bytes:
    body = mid.to_bytes(2, "big") + (b"\0" if version == 5 else b"")
    return packet(0xA2, body + b"".join(string(topic) for topic in topics))
