"""MQTT packets from clients, 3.1.1 and 5: many at once out of a stream cut anywhere. Pure and total.

The parser is the front door's hot path: a PUBLISH is a plain tuple, found without a call per packet.
Sizes are bounded before a body is buffered; a frame's topic, at the head of its packet, allows it more.
"""

import hashlib
from collections.abc import Callable
from typing import Final

import msgspec

from ingest.mqtt import properties as p
from ingest.mqtt.codes import Code, ProtocolError
from ingest.mqtt.control import V5, Control, read_connect, read_control, read_protocol

SKIP_BYTES: Final = 16 * 1024 * 1024
"""A PUBLISH above its limit and up to this is read away without being held; a larger one ends the stream."""
HEAD_BYTES: Final = 4 * 1024
"""Kept of the payload of what is read away."""
MAX_CONNECT_BYTES: Final = 16 * 1024
"""Nobody who has not signed in may make us keep more than this."""

Topic = bytes | tuple[bytes, str]
"""As sent; with the content type where one was given that makes a difference (`Parser.open`)."""

Publish = tuple[int, Topic, bytes, bytes]
"""(first byte of the packet, topic, packet id: b"" at QoS 0, payload)."""


class TooLarge(msgspec.Struct, frozen=True):
    """A PUBLISH that was read away: the head of its payload, the payload's size and SHA-256, and its limit in bytes."""

    first: int
    topic: bytes
    mid: bytes
    head: bytes
    size: int
    sha256: str
    limit: int


Packet = Publish | TooLarge | Control


class _Skipping:
    """A PUBLISH that is being read away."""

    __slots__ = ("_digest", "_first", "_head", "_limit", "_mid", "_size", "_topic", "left")

    def __init__(self, first: int, topic: bytes, mid: bytes, size: int, limit: int) -> None:
        self._first, self._topic, self._mid, self._size, self._limit = first, topic, mid, size, limit
        self._digest = hashlib.sha256()
        self._head = b""
        self.left = size

    def take(self, piece: bytes) -> None:
        self.left -= len(piece)
        self._digest.update(piece)
        if len(self._head) < HEAD_BYTES:
            self._head += piece[: HEAD_BYTES - len(self._head)]

    def whole(self) -> TooLarge:
        digest = self._digest.hexdigest()
        return TooLarge(self._first, self._topic, self._mid, self._head, self._size, digest, self._limit)


class Parser:
    """One connection's incoming stream. After CONNECT it waits for `open` before it reads on.

    error: why the stream cannot go on; what was read before it has been returned.
    version: 0 until a CONNECT has told it.
    """

    __slots__ = (
        "_content_types",
        "_is_large",
        "_large_limit",
        "_limit",
        "_need",
        "_payload",
        "_rest",
        "_signed_in",
        "_skipping",
        "error",
        "version",
    )

    def __init__(self) -> None:
        self.error: ProtocolError | None = None
        self.version = 0
        self._rest: bytearray | None = None
        self._need = 0
        self._payload = 0
        self._limit = self._large_limit = MAX_CONNECT_BYTES
        self._is_large: Callable[[bytes], bool] | None = None
        self._content_types: frozenset[str] = frozenset()
        self._signed_in = False
        self._skipping: _Skipping | None = None

    @property
    def buffered(self) -> int:
        """Bytes kept of a packet that is not complete."""
        return 0 if self._rest is None else len(self._rest)

    def close(self) -> None:
        """Nothing more is read, and nothing kept."""
        self.error = self.error or ProtocolError(Code.UNSPECIFIED, "closed")
        self._rest = None

    def open(
        self,
        limit: int,
        large_limit: int,
        is_large: Callable[[bytes], bool],
        content_types: frozenset[str] = frozenset(),
    ) -> None:
        """The client has signed in: packets up to `limit` bytes; `large_limit` where the topic is large.

        content_types: those that make a difference; any other is as if none were given, so that what is remembered
        by topic and content type does not grow with what a client makes up.
        """
        self._signed_in = True
        self._content_types = content_types
        self._limit, self._large_limit, self._is_large = limit, large_limit, is_large
        self._need = 0

    def feed(self, data: bytes) -> list[Packet]:
        """The complete packets in what has come so far. Never raises; look at `error` afterwards."""
        if self.error is not None:
            return []
        packets: list[Packet] = []
        if self._skipping is not None:
            data = self._skip(data, self._skipping, packets)
            if not data:
                return packets
        if self._rest is not None:
            self._rest += data
            if len(self._rest) < self._need:
                return packets
        elif self.version and not self._signed_in:
            self._rest = bytearray(data)
        if self.version and not self._signed_in:
            return packets
        if self._rest is not None:
            data = bytes(self._rest)
            self._rest = None
        self._need = 0
        try:
            pos = self._read(data, packets) if self._signed_in else self._read_connect(data, packets)
            if pos < len(data):
                self._rest = bytearray(data[pos:])
        except ProtocolError as error:
            self.error, self._rest = error, None
        except IndexError:  # a field reaches beyond its packet and the packet beyond what has come
            self.error = p.malformed("a packet is shorter than its fields")
        return packets

    def _read(self, data: bytes, packets: list[Packet]) -> int:
        """Reads whole packets into `packets`; returns where the first incomplete one begins."""
        append = packets.append
        new = self.version == V5
        limit = self._limit
        pos, end = 0, len(data)
        while end - pos >= 2:
            first = data[pos]
            length = data[pos + 1]
            start = pos + 2
            if length > 127:
                if start == end:
                    break
                high = data[start]
                start += 1
                if 0 < high < 128:
                    length += (high << 7) - 128
                else:
                    long = _length(data, pos + 1)
                    if long is None:
                        break
                    length, start = long
            stop = start + length
            if stop - pos > limit and not self._may_be_large(data, pos, start, stop):
                if self._skipping is None:
                    break
                pos = end - len(self._skip(data[self._payload :], self._skipping, packets))
                continue
            if stop > end:
                self._need = stop - pos
                return pos
            if first & 0xF6 == 0x32:
                topic_end = start + 2 + (data[start] << 8) + data[start + 1]
                payload = topic_end + 2
                if payload > stop:
                    raise p.malformed("the topic is longer than its packet")
                mid = data[topic_end:payload]
                if mid == b"\0\0":
                    raise p.malformed("packet id 0")
                topic: Topic = data[start + 2 : topic_end]
                if new:
                    payload, content_type = self._behind_properties(data, first, payload, stop)
                    if content_type:
                        topic = data[start + 2 : topic_end], content_type
                append((first, topic, mid, data[payload:stop]))
            elif first & 0xF0 == 0x30:
                append(self._publish(data, first, start, stop))
            else:
                append(read_control(data, first, start, stop, self.version))
            pos = stop
        return pos

    def _may_be_large(self, data: bytes, pos: int, start: int, stop: int) -> bool:
        """Whether a packet above the limit may come in. False: its head has not come yet, or it is read away from here.

        Raises ProtocolError when it is no PUBLISH, or larger than what is read away.
        """
        first, size = data[pos], stop - pos
        if first & 0xF0 != 0x30 or size > SKIP_BYTES:
            most = self._large_limit
            sentence = f"报文 {size} 字节，最大 {most} ‖ packet of {size} bytes; the largest is {most}"
            raise ProtocolError(Code.PACKET_TOO_LARGE, sentence)
        topic_end = start + 2 + (data[start] << 8 | data[start + 1]) if len(data) >= start + 2 else 0
        payload = topic_end + (2 if first & 0x06 else 0)
        if topic_end and payload > stop:
            raise p.malformed("the topic is longer than its packet")
        if not topic_end or len(data) < payload:
            self._need = (payload if topic_end else start + 2) - pos
            return False
        topic = data[start + 2 : topic_end]
        large = self._is_large is not None and self._is_large(topic)
        if large and size <= self._large_limit:
            return True
        limit = self._large_limit if large else self._limit
        self._skipping = _Skipping(first, topic, data[topic_end:payload], stop - payload, limit)
        self._payload = payload
        return False

    def _skip(self, data: bytes, skipping: _Skipping, packets: list[Packet]) -> bytes:
        """Reads on what is read away; returns what lies behind it."""
        rest = data[skipping.left :]
        skipping.take(data[: skipping.left])
        if not skipping.left:
            packets.append(skipping.whole())
            self._skipping = None
        return rest

    def _behind_properties(self, data: bytes, first: int, pos: int, stop: int) -> tuple[int, str]:
        """Checks what MQTT 5 adds to a PUBLISH; returns where its payload begins, and a content type that counts."""
        if first & 0x01:
            raise ProtocolError(Code.RETAIN_NOT_SUPPORTED, "retained messages are not supported")
        if pos >= stop:
            raise p.malformed("the properties are missing")
        if data[pos] == 0:
            return pos + 1, ""
        found, behind = p.read_properties(data, pos, stop, p.IN_PUBLISH)
        if p.TOPIC_ALIAS in found:
            raise ProtocolError(Code.TOPIC_ALIAS_INVALID, "topic aliases are not supported")
        content_type = str(found.get(p.CONTENT_TYPE, ""))
        return behind, content_type if content_type in self._content_types else ""

    def _publish(self, data: bytes, first: int, start: int, stop: int) -> Publish:
        """QoS 0 and 2."""
        qos = first & 0x06
        if qos == 0x06 or (qos == 0 and first & 0x08):
            raise p.malformed("flags of PUBLISH")
        topic, payload = p.read_binary(data, start, stop)
        mid = b""
        if qos:
            mid, payload = data[payload : payload + 2], payload + 2
            if payload > stop or mid == b"\0\0":
                raise p.malformed("the packet id is missing or 0")
        if self.version == V5:
            payload, content_type = self._behind_properties(data, first, payload, stop)
            if content_type:
                return first, (topic, content_type), mid, data[payload:stop]
        return first, topic, mid, data[payload:stop]

    def _read_connect(self, data: bytes, packets: list[Packet]) -> int:
        """The first packet, which must be a CONNECT; nothing behind it is read before `open`."""
        if data and data[0] != 0x10:
            raise ProtocolError(Code.PROTOCOL_ERROR, "the first packet must be CONNECT")
        if len(data) < 2:
            return 0
        head = _length(data, 1)
        if head is None:
            return 0
        length, start = head
        stop = start + length
        if stop > MAX_CONNECT_BYTES:
            raise ProtocolError(
                Code.PACKET_TOO_LARGE, f"CONNECT of {stop} bytes; at most {MAX_CONNECT_BYTES}"
            )
        if stop > len(data):
            self._need = stop
            return 0
        self.version, behind = read_protocol(data, start, stop)
        packets.append(read_connect(data, behind, stop, self.version))
        return stop


def _length(data: bytes, pos: int) -> tuple[int, int] | None:
    """The remaining length at `pos` and the position behind it; None when it is cut off."""
    for end in range(pos, min(pos + 4, len(data))):
        if data[end] < 0x80:
            return p.read_varint(data, pos, end + 1)
    if len(data) - pos >= 4:
        raise p.malformed("a length has more than four bytes")
    return None
