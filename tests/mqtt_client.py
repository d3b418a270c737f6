"""MQTT as a client speaks it, by hand: the tests' own reading of the standard."""

import socket


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


class RawClient:
    """A blocking client that sends and reads bytes as they are; context manager."""

    def __init__(self, port: int, limit_s: float = 10.0) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=limit_s)
        self._limit_s = limit_s
        self._buffer = b""

    def __enter__(self) -> "RawClient":
        return self

    def __exit__(self, *error: object) -> None:
        self._socket.close()

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def sign_in(self, version: int, username: str, password: str, **fields: object) -> bytes:
        """Returns the CONNACK."""
        self.send(connect(version, username, password, **fields))  # type: ignore[arg-type]
        return self.read()

    def read(self) -> bytes:
        """The next whole packet; b"" when the server has closed."""
        while (whole := self._whole()) is None:
            try:
                more = self._socket.recv(65_536)
            except ConnectionResetError:
                more = b""
            if not more:
                return b""
            self._buffer += more
        packet, self._buffer = self._buffer[:whole], self._buffer[whole:]
        return packet

    def pending(self) -> bytes:
        """What has come and was not read yet, without waiting."""
        self._socket.setblocking(False)
        try:
            return self._buffer + self._socket.recv(65_536, socket.MSG_PEEK)
        except BlockingIOError:
            return self._buffer
        finally:
            self._socket.settimeout(self._limit_s)

    def _whole(self) -> int | None:
        """Where the first packet ends; None while it has not come whole."""
        length, shift = 0, 0
        for place, byte in enumerate(self._buffer[1:5]):
            length |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                end = 2 + place + length
                return end if len(self._buffer) >= end else None
        return None
