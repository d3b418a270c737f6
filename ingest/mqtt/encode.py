"""MQTT packets to clients. Pure."""

from collections.abc import Iterable

from ingest.mqtt import properties as p
from ingest.mqtt.codes import Code
from ingest.mqtt.control import V5

PUBACK = b"\x40\x02"
"""Put before a packet id: the acknowledgement that all is well, in both versions."""
PUBREC = b"\x50\x02"
"""The same for a message at QoS 2, whose client answers with PUBREL."""
PUBCOMP = b"\x70\x02"
PINGRESP = b"\xd0\x00"


def connack_v3(code: int) -> bytes:
    """3.1.1; no session is ever present."""
    return bytes((0x20, 2, 0, code))


def connack_v5(code: int, properties: dict[int, int | str]) -> bytes:
    body = bytes((0, code)) + p.write_properties(properties)
    return b"\x20" + p.varint(len(body)) + body


def with_code(ack: bytes, mid: bytes, code: int) -> bytes:
    """A PUBACK or PUBREC with a reason, for MQTT 5 alone."""
    return ack[:1] + b"\x03" + mid + bytes((code,))


def suback(version: int, mid: bytes, codes: Iterable[int]) -> bytes:
    body = mid + (b"\0" if version == V5 else b"") + bytes(codes)
    return b"\x90" + p.varint(len(body)) + body


def unsuback(version: int, mid: bytes, codes: Iterable[int]) -> bytes:
    body = mid + (b"\0" + bytes(codes) if version == V5 else b"")
    return b"\xb0" + p.varint(len(body)) + body


def publish(version: int, topic: str, payload: bytes) -> bytes:
    """An outgoing PUBLISH at QoS 0."""
    body = p.text(topic) + (b"\0" if version == V5 else b"") + payload
    return b"\x30" + p.varint(len(body)) + body


def disconnect(code: Code, properties: dict[int, int | str]) -> bytes:
    """MQTT 5 alone: a 3.1.1 server just closes."""
    body = bytes((code,)) + p.write_properties(properties)
    return b"\xe0" + p.varint(len(body)) + body
