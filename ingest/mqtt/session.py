"""What one MQTT connection is allowed and owes: sign-in, keep-alive, subscriptions. Pure; time is an argument.

Publishes do not pass through here: they are the hot path and need nothing of this state.
"""

from collections.abc import Callable
from enum import Enum
from itertools import count
from typing import Final

import msgspec

from ingest.mqtt import codes, encode
from ingest.mqtt import properties as p
from ingest.mqtt.codes import Code, ProtocolError, SignInRefusal
from ingest.mqtt.control import (
    V5,
    Acknowledged,
    Connect,
    Control,
    Disconnect,
    Ping,
    Release,
    Subscribe,
    Unsubscribe,
)
from schemas.device_topics import DOWN, parse_topic
from schemas.registry import Device

MAX_KEEP_ALIVE_S: Final = 600
"""MQTT 5 clients are told this at most; 3.1.1 cannot be told, there TCP's own keep-alive helps."""
RECEIVE_MAXIMUM: Final = 65_535
MAX_SUBSCRIPTIONS: Final = 40_000
"""Of one connection: errors and config of a gateway's children, and room."""
LARGE_KINDS: Final = frozenset({"camera", "gateway"})
"""Kinds of device that may send frames, themselves or for a device behind them."""


_assigned = count(1)
"""Client ids that are given are nobody else's."""


class State(Enum):
    """NEW: CONNECT is due. CHECKING: its device is being looked up. OPEN: signed in. CLOSED: the end."""

    NEW = 0
    CHECKING = 1
    OPEN = 2
    CLOSED = 3


HEAD_BYTES: Final = 66 * 1024
"""What a packet may have before its payload: the longest topic, properties, the fixed header."""


class Limits(msgspec.Struct, frozen=True):
    """Bytes of a payload, and seconds until a CONNECT must have come. A packet may be longer by its head, and that is
    what is announced; the payload is what counts, and what sentences speak of.
    """

    payload: int
    frame_payload: int
    connect_timeout_s: float

    @property
    def packet(self) -> int:
        return self.payload + HEAD_BYTES

    @property
    def frame_packet(self) -> int:
        return self.frame_payload + HEAD_BYTES


def payload_limit(packet_limit: int) -> int:
    """Of a packet's limit, its payload's."""
    return packet_limit - HEAD_BYTES


class Session:
    """The state machine of one connection."""

    __slots__ = (
        "_connect",
        "_heard_s",
        "_keep_alive_s",
        "_limits",
        "_max_packet",
        "client_id",
        "device",
        "state",
        "subscriptions",
        "version",
    )

    def __init__(self, limits: Limits, now_s: float) -> None:
        self.state = State.NEW
        self.version = 0
        self.device: Device | None = None
        self.client_id = ""
        self.subscriptions: set[str] = set()
        self._limits = limits
        self._keep_alive_s = 0.0
        self._heard_s = now_s
        self._max_packet = 0
        self._connect: Connect | None = None

    # ------------------------------------------------------------------ sign-in

    def begin(self, connect: Connect) -> SignInRefusal | None:
        """Takes the CONNECT. None: the device's token is to be checked, then `accept` or `refuse`."""
        self.version = connect.version
        self.client_id = connect.client_id
        self.state = State.CHECKING
        self._connect = connect
        self._max_packet = int(connect.properties.get(p.MAXIMUM_PACKET_SIZE, 0))
        if connect.version == V5:
            if p.AUTH_METHOD in connect.properties:
                return codes.AUTH_METHOD
            if connect.will_retain:
                return codes.WILL_RETAIN
        elif not connect.client_id and not connect.clean:
            return codes.EMPTY_CLIENT_ID
        if not connect.username or not connect.password:
            return codes.NO_USERNAME
        return None

    def accept(self, device: Device, now_s: float) -> bytes:
        """The device has signed in; returns the CONNACK."""
        assert self._connect is not None
        connect, self._connect = self._connect, None
        self.state, self.device = State.OPEN, device
        self._heard_s = now_s
        keep_alive_s = connect.keep_alive_s
        if connect.version != V5:
            self._keep_alive_s = keep_alive_s * 1.5
            return encode.connack_v3(0)
        keep_alive_s = min(keep_alive_s or MAX_KEEP_ALIVE_S, MAX_KEEP_ALIVE_S)
        self._keep_alive_s = keep_alive_s * 1.5
        announced: dict[int, int | str] = {
            p.SESSION_EXPIRY: 0,
            p.RECEIVE_MAXIMUM: RECEIVE_MAXIMUM,
            p.RETAIN_AVAILABLE: 0,
            p.MAXIMUM_PACKET_SIZE: self.max_packet_bytes,
            p.TOPIC_ALIAS_MAXIMUM: 0,
            p.WILDCARD_AVAILABLE: 0,
            p.SUBSCRIPTION_ID_AVAILABLE: 0,
            p.SHARED_AVAILABLE: 0,
            p.SERVER_KEEP_ALIVE: keep_alive_s,
        }
        if not connect.client_id:
            self.client_id = announced[p.ASSIGNED_CLIENT_ID] = f"{device.id}-{next(_assigned)}"
        return encode.connack_v5(0, announced)

    def refuse(self, refusal: SignInRefusal) -> bytes:
        """The CONNACK that says no; close after it."""
        self.state = State.CLOSED
        if self.version != V5:
            return encode.connack_v3(refusal.v3)
        return self._with_reason(encode.connack_v5, refusal.v5, refusal.sentence)

    @property
    def max_packet_bytes(self) -> int:
        """Of a frame for those that may send one; other packets are held to `Limits.packet` by the parser."""
        large = self.device is not None and self.device.kind in LARGE_KINDS
        return self._limits.frame_packet if large else self._limits.packet

    # ------------------------------------------------------------------ time

    def heard(self, now_s: float) -> None:
        """Something came, or reading goes on after we had stopped it: the keep-alive starts anew."""
        self._heard_s = now_s

    @property
    def keep_alive(self) -> str:
        """What the client has asked for, in words."""
        return f"keep alive {self._keep_alive_s / 1.5:.0f} s"

    def deadline_s(self) -> float | None:
        """When the connection is to be cut if nothing comes; None: never."""
        if self.state is State.NEW:
            return self._heard_s + self._limits.connect_timeout_s
        if self.state is State.OPEN and self._keep_alive_s:
            return self._heard_s + self._keep_alive_s
        return None

    # ------------------------------------------------------------------ packets

    def answer(self, packet: Control, permits: Callable[[Device, str], bool]) -> bytes:
        """What to send back, b"" for nothing; `state` is CLOSED when the client has left.

        `permits(device, topic)` says whether the device may read a topic. Raises ProtocolError.
        """
        assert self.device is not None
        if isinstance(packet, Ping):
            return encode.PINGRESP
        if isinstance(packet, Subscribe):
            return self._subscribe(packet, self.device, permits)
        if isinstance(packet, Unsubscribe):
            return self._unsubscribe(packet)
        if isinstance(packet, Release):
            return encode.PUBCOMP + packet.mid
        if isinstance(packet, Disconnect):
            self.state = State.CLOSED
            return b""
        if isinstance(packet, Acknowledged):
            return b""
        raise ProtocolError(Code.PROTOCOL_ERROR, "CONNECT is sent once")

    def _subscribe(self, packet: Subscribe, device: Device, permits: Callable[[Device, str], bool]) -> bytes:
        if p.SUBSCRIPTION_ID in packet.properties:
            raise ProtocolError(
                Code.SUBSCRIPTION_ID_NOT_SUPPORTED, "subscription identifiers are not supported"
            )
        granted: list[int] = []
        for topic in packet.filters:
            code = self._refused(topic, device, permits)
            if code is Code.SUCCESS:
                self.subscriptions.add(topic)
            granted.append(code if self.version == V5 or code is Code.SUCCESS else 0x80)
        return encode.suback(self.version, packet.mid, granted)

    def _refused(self, topic: str, device: Device, permits: Callable[[Device, str], bool]) -> Code:
        if topic.startswith("$share/"):
            return Code.SHARED_NOT_SUPPORTED
        if "#" in topic or "+" in topic:
            return Code.WILDCARD_NOT_SUPPORTED
        if topic not in self.subscriptions and len(self.subscriptions) >= MAX_SUBSCRIPTIONS:
            return Code.QUOTA_EXCEEDED
        return Code.SUCCESS if permits(device, topic) else Code.NOT_AUTHORIZED

    def _unsubscribe(self, packet: Unsubscribe) -> bytes:
        results = [
            Code.SUCCESS if topic in self.subscriptions else Code.NO_SUBSCRIPTION_EXISTED
            for topic in packet.filters
        ]
        self.subscriptions.difference_update(packet.filters)
        return encode.unsuback(self.version, packet.mid, results)

    def publish(self, topic: str, payload: bytes) -> bytes:
        """A message down to the client at QoS 0; b"" when it is more than the client said it takes."""
        packet = encode.publish(self.version, topic, payload)
        return b"" if self._max_packet and len(packet) > self._max_packet else packet

    def leave(self, code: Code, sentence: str = "") -> bytes:
        """Our own goodbye before we close: a DISCONNECT in MQTT 5, nothing in 3.1.1."""
        was, self.state = self.state, State.CLOSED
        if code is Code.UNSUPPORTED_VERSION:
            return encode.connack_v3(1)
        if self.version != V5 or was is State.CLOSED:
            return b""
        return self._with_reason(
            encode.disconnect if was is State.OPEN else encode.connack_v5, code, sentence
        )

    def _with_reason(
        self, packet: Callable[[Code, dict[int, int | str]], bytes], code: Code, sentence: str
    ) -> bytes:
        """With the sentence, unless the client has said that it takes no packet so long."""
        full = packet(code, {p.REASON_STRING: sentence} if sentence else {})
        return packet(code, {}) if self._max_packet and len(full) > self._max_packet else full


def may_read(device: Device, topic: str, find: Callable[[str], Device | None]) -> bool:
    """Whether `topic` is an errors or config topic of the device, or of a device behind it."""
    parsed = parse_topic(topic)
    if parsed is None or parsed.rest or parsed.channel not in DOWN:
        return False
    owner = device if parsed.device == device.id else find(parsed.device)
    if owner is None or owner.retired_us is not None or owner.enterprise != parsed.enterprise:
        return False
    return owner.id == device.id or (device.kind == "gateway" and owner.behind == device.id)
