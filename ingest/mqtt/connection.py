"""One MQTT connection: bytes in, admitted messages on, acknowledgements out in order of arrival. Edge.

`data_received` is the hot path: per message one dictionary look-up, `admit` and one `PackLane.add`.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Protocol, cast

from ingest.admission import Admitted, Route, admit, refuse, resolve
from ingest.codecs import claimed
from ingest.delivery import Delivery, shortened
from ingest.mqtt import encode
from ingest.mqtt.codes import Code, ProtocolError, SignInRefusal
from ingest.mqtt.control import Connect, Control, Release, Subscribe, Unsubscribe, topic_text
from ingest.mqtt.holds import BUSY, CLOSING, SIGNING_IN, UNREAD
from ingest.mqtt.notices import Notices
from ingest.mqtt.packets import MAX_CONNECT_BYTES, Packet, Parser, TooLarge, Topic
from ingest.mqtt.session import Limits, Session, State, payload_limit
from ingest.packer import Ticket
from ingest.routing import Tables
from schemas.device_topics import is_frame
from schemas.registry import Device
from schemas.rejection import Disposition, Rejection

MAX_ROUTES = 100_000
NOTICE_BACKLOG_BYTES = 256 * 1024
"""A client that does not read gets no more notices (they are QoS 0) above this."""
PROGRESS_BYTES = 1024
"""So much of an unfinished packet, in however many pieces, is a sign of life: a large frame on a slow line is no
silence."""
TURN_S = 0.004
"""What a connection may take of one turn of the loop: everybody else's acknowledgement is some turns away."""
FEWEST, FIRST, QUANTUM = 16, 512, 2_048
"""Packets of a turn: at the least, before their cost is known, and at the most. What comes with one read of sound
readings is taken in one turn."""
QOS_1, QOS_2 = 0x02, 0x04
"""Bits of the first byte of a PUBLISH."""
TOPIC_CODES = {
    "not_yours": Code.NOT_AUTHORIZED,
    "unknown_topic": Code.TOPIC_NAME_INVALID,
    "wrong_channel": Code.TOPIC_NAME_INVALID,
}


class Gate(Protocol):
    """What a connection asks of the server that made it."""

    limits: Limits
    tables: Tables
    delivery: Delivery
    notices: Notices

    @property
    def find(self) -> Callable[[str], Device | None]: ...
    @property
    def now_s(self) -> Callable[[], float]: ...
    def next_us(self, messages: int) -> int: ...
    def joined(self, connection: "Connection") -> None: ...
    def left(self, connection: "Connection") -> None: ...
    def sign_in(self, connection: "Connection", username: str, password: bytes) -> None: ...
    def signed_in(self, connection: "Connection") -> None: ...
    def refused(self, address: str, username: str, code: str) -> float: ...
    def rejected(self, rejection: Rejection) -> None: ...
    def cut(self, device: Device, code: str, detail: str) -> None: ...
    def admitted(self, ticket: Ticket) -> None: ...
    def kept(self, change: int) -> None: ...


class Connection(asyncio.Protocol):
    """Made by the server for each socket."""

    __slots__ = (
        "_farewell",
        "_gate",
        "_held",
        "_holds",
        "_later",
        "_packer_lanes",
        "_parser",
        "_quantum",
        "_routes",
        "_transport",
        "_uncounted",
        "_unreleased",
        "_waiting",
        "address",
        "closing_s",
        "owing_s",
        "session",
        "unread_s",
    )

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._parser = Parser()
        self._routes: dict[Topic, Route] = {}
        self._packer_lanes = gate.delivery.lanes
        self._waiting: deque[Ticket] = deque()
        self._holds = 0
        self._held = 0
        self._later: list[Packet] = []
        self._quantum = FIRST
        self._farewell: bytes | None = None
        self._uncounted = 0
        self._unreleased: set[bytes] = set()
        self._transport: asyncio.Transport | None = None
        self.address = ""
        self.closing_s: float | None = None
        self.owing_s: float | None = None
        self.unread_s: float | None = None
        self.session = Session(gate.limits, gate.now_s())

    # ------------------------------------------------------------------ socket

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername")
        self.address = peer[0] if isinstance(peer, tuple) else ""
        self._gate.joined(self)

    def connection_lost(self, error: Exception | None) -> None:
        self.session.state = State.CLOSED
        self._transport = None
        self._gate.kept(-self._held)
        self._held = 0
        self._later = []
        self._routes = {}
        self._gate.left(self)

    def eof_received(self) -> None:
        return None

    def pause_writing(self) -> None:
        self.unread_s = self._gate.now_s()
        self.hold(UNREAD)

    def resume_writing(self) -> None:
        self.unread_s = None
        self.release(UNREAD)

    def data_received(self, data: bytes) -> None:
        if self._holds & CLOSING:
            return
        parser = self._parser
        packets = parser.feed(data)
        error = parser.error
        if self._later or len(packets) > self._quantum:
            self._later += packets
            self._take_turns()
        elif len(packets) > FEWEST:
            self._handle_timed(packets, len(data))
        elif packets:
            self._handle(packets, len(data))
        if error is not None and not self._later:
            self.break_off(error)
            return
        held = parser.buffered
        if held != self._held:
            self._keep(held)
        self._uncounted += len(data)
        if packets or self._uncounted >= PROGRESS_BYTES:
            self._uncounted = 0
            self.session.heard(self._gate.now_s())

    def _take_turns(self) -> None:
        """So many packets now, the rest after everybody else: nobody waits for long behind who sends much at once."""
        now, self._later = self._later[: self._quantum], self._later[self._quantum :]
        if now and not self._holds & CLOSING:
            self._handle_timed(now, sum(len(p[3]) for p in now if type(p) is tuple))
        if self._later and not self._holds & CLOSING and self.session.state is State.OPEN:
            self.hold(BUSY)
            asyncio.get_running_loop().call_soon(self._take_turns)
            return
        self._later = []
        self.release(BUSY)
        if self._parser.error is not None:
            self.break_off(self._parser.error)

    def _handle_timed(self, packets: list[Packet], size: int) -> None:
        """Handles them, and learns from it how many are a turn."""
        began_s = self._gate.now_s()
        self._handle(packets, size)
        each_s = (self._gate.now_s() - began_s) / len(packets)
        self._quantum = max(FEWEST, min(QUANTUM, int(TURN_S / each_s) if each_s > 0 else QUANTUM))

    def _keep(self, held: int) -> None:
        """Bytes of an unfinished packet count against the bound; those of strangers have a small one of their own."""
        state = self.session.state
        if state is State.OPEN:
            self._gate.kept(held - self._held)
            self._held = held
        elif state is State.CHECKING and held > MAX_CONNECT_BYTES:
            self.break_off(ProtocolError(Code.QUOTA_EXCEEDED, "wait for CONNACK before sending much"))

    # ------------------------------------------------------------------ packets

    def _handle(self, packets: list[Packet], size: int) -> None:
        ticket = Ticket(self)
        ticket.size = size
        acks = ticket.acks
        routes = self._routes
        lanes = self._packer_lanes
        now_us = self._gate.next_us(len(packets))
        puback, pubrec = encode.PUBACK, encode.PUBREC
        broken: ProtocolError | None = None
        try:
            for packet in packets:
                if type(packet) is tuple:
                    now_us += 1  # each message has a received time of its own: some have no other identity
                    first, topic, mid, payload = packet
                    if first & QOS_2 and self._is_again(mid, acks):
                        continue
                    route = routes.get(topic)
                    if route is not None:
                        admitted = admit(route, payload, now_us)
                        lines = admitted.lines
                        if lines:
                            ticket.size += len(lines)
                            ticket.count += admitted.count
                            lanes[admitted.partition].add(lines, admitted.count, ticket)
                        if not (admitted.rejections or admitted.result or admitted.frame):
                            if mid:
                                acks.append(puback + mid if first & QOS_1 else pubrec + mid)
                            continue
                        code = self._extras(admitted, payload, ticket)
                    else:
                        code = self._first_on_topic(topic, payload, now_us, ticket)
                    if mid:
                        acks.append(self._ack(first, mid, code))
                elif type(packet) is TooLarge:
                    code = self._too_large(packet, now_us, ticket)
                    if packet.mid:
                        acks.append(self._ack(packet.first, packet.mid, code))
                else:
                    self._control(cast(Control, packet))
                    if self.session.state is State.CLOSED:
                        break
        except ProtocolError as error:
            broken = error
        if acks or ticket.pending > 1:
            self._waiting.append(ticket)
            self._gate.admitted(ticket)
        if broken is not None:
            self.break_off(broken)

    def _is_again(self, mid: bytes, acks: list[bytes]) -> bool:
        """A message at QoS 2 that is here and was not released: its client has not heard of that."""
        if mid in self._unreleased:
            acks.append(encode.PUBREC + mid)
            return True
        self._unreleased.add(mid)
        return False

    def _ack(self, first: int, mid: bytes, code: int) -> bytes:
        ack = encode.PUBREC if first & QOS_2 else encode.PUBACK
        if code and first & QOS_2:
            self._unreleased.discard(mid)  # a PUBREC that refuses ends the exchange
        return encode.with_code(ack, mid, code) if code and self.session.version == 5 else ack + mid

    def _too_large(self, packet: TooLarge, now_us: int, ticket: Ticket) -> int:
        """What was read away: refused, with its head and its hash; returns the code of its acknowledgement."""
        device = cast(Device, self.session.device)
        topic = topic_text(packet.topic)
        route = resolve(device, topic, self._gate.find, "", self._gate.tables)
        if isinstance(route, Route):
            detail = f"{packet.size} > {payload_limit(packet.limit)} byte, sha256 {packet.sha256}"
            route = Rejection(
                code="too_large", detail=detail, device=route.device.id, publisher=device.id, topic=topic
            )
        admitted = refuse(route, packet.head, now_us)
        ticket.size += len(admitted.lines)
        self._packer_lanes[admitted.partition].add(admitted.lines, admitted.count, ticket)
        return self._extras(admitted, packet.head, ticket)

    def _first_on_topic(self, topic: Topic, payload: bytes, now_us: int, ticket: Ticket) -> int:
        """A topic that is not in the cache; returns the MQTT 5 code of its PUBACK."""
        device = cast(Device, self.session.device)
        raw, content_type = topic if isinstance(topic, tuple) else (topic, "")
        route = resolve(device, topic_text(raw), self._gate.find, content_type, self._gate.tables)
        if isinstance(route, Rejection):
            admitted = refuse(route, payload, now_us)
        else:
            if not route.is_of_one_message:
                if len(self._routes) >= MAX_ROUTES:
                    self._routes.clear()
                self._routes[topic] = route
            admitted = admit(route, payload, now_us)
        if admitted.lines:
            ticket.size += len(admitted.lines)
            ticket.count += admitted.count
            self._packer_lanes[admitted.partition].add(admitted.lines, admitted.count, ticket)
        return self._extras(admitted, payload, ticket)

    def _extras(self, admitted: Admitted, payload: bytes, ticket: Ticket) -> int:
        """Everything but readings: result, frame, rejections; returns the MQTT 5 code of the PUBACK."""
        delivery = self._gate.delivery
        rejections = admitted.rejections
        if admitted.result is not None:
            delivery.add_result(admitted.result, ticket)
            ticket.count += 1
        if admitted.frame is not None:
            delivery.add_frame(admitted.frame, payload, ticket)
            ticket.count += 1
        for rejection, raw in rejections:
            delivery.add_rejection(rejection, raw, ticket)
            ticket.count += rejection.count
            ticket.size += len(raw)
            self._gate.rejected(shortened(rejection))
        if not rejections or admitted.count or admitted.result is not None or admitted.frame is not None:
            return Code.SUCCESS
        first = rejections[0][0]
        if first.disposition is Disposition.QUARANTINED:
            return Code.SUCCESS
        return TOPIC_CODES.get(first.code, Code.PAYLOAD_INVALID)

    def _control(self, packet: Control) -> None:
        session = self.session
        if session.state is State.NEW:
            connect = cast(Connect, packet)
            refusal = session.begin(connect)
            if refusal is not None:
                self.refuse(refusal, connect.username or "")
            else:
                self._gate.sign_in(self, cast(str, connect.username), cast(bytes, connect.password))
            return
        answer = session.answer(packet, self._gate.notices.permits)
        if answer:
            self.write(answer)
        if isinstance(packet, Subscribe | Unsubscribe):
            self._gate.notices.update(self, packet.filters)
        if session.state is State.CLOSED:
            self._close()
        if isinstance(packet, Release):
            self._unreleased.discard(packet.mid)

    # ------------------------------------------------------------------ sign-in

    def accept(self, device: Device) -> None:
        """Signed in: says so and reads on."""
        session = self.session
        self.write(session.accept(device, self._gate.now_s()))
        content_types = claimed(self._gate.tables.codecs.values())
        self._parser.open(self._gate.limits.packet, session.max_packet_bytes, is_frame, content_types)
        self.release(SIGNING_IN)
        self._gate.signed_in(self)
        asyncio.get_running_loop().call_soon(self.data_received, b"")

    def refuse(self, refusal: SignInRefusal, username: str) -> None:
        """Counts, records and says no, later when this address has been refused often."""
        delay_s = self._gate.refused(self.address, username, refusal.name)
        self.hold(SIGNING_IN)
        self._parser.close()
        answer = self.session.refuse(refusal)
        if delay_s:
            asyncio.get_running_loop().call_later(delay_s, self._say_and_close, answer)
        else:
            self._say_and_close(answer)

    # ------------------------------------------------------------------ out

    def acknowledge(self) -> None:
        """Writes the PUBACKs of what is complete, as far as all before it is."""
        waiting = self._waiting
        acks: list[bytes] = []
        while waiting and not waiting[0].pending:
            acks += waiting.popleft().acks
        if acks:
            self.write(b"".join(acks))
        if self._farewell is not None and not waiting:
            self._say_and_close(self._farewell)

    def notify(self, topic: str, payload: bytes) -> bool:
        """Sends a notice at QoS 0; False when the client reads too slowly or takes no such packet."""
        transport = self._transport
        if transport is None or transport.get_write_buffer_size() > NOTICE_BACKLOG_BYTES:
            return False
        packet = self.session.publish(topic, payload)
        self.write(packet)
        return bool(packet)

    def write(self, data: bytes) -> None:
        if self._transport is not None and self.closing_s is None and data:
            self._transport.write(data)

    # ------------------------------------------------------------------ ends

    def break_off(self, error: ProtocolError) -> None:
        """The stream cannot go on: counted, recorded, said with the protocol's own code."""
        session = self.session
        if session.state is State.CLOSED:
            return
        session.version = session.version or self._parser.version
        name = "too_large" if error.code is Code.PACKET_TOO_LARGE else error.code.name.lower()
        device = session.device
        delay_s = self._gate.refused(self.address, device.id if device else "", name)
        if device is not None:
            self._gate.cut(device, "bad_packet", error.sentence)
        self.hold(SIGNING_IN)
        self._parser.close()
        answer = session.leave(error.code, error.sentence)
        if delay_s and device is None:
            asyncio.get_running_loop().call_later(delay_s, self._say_and_close, answer)
        elif self._waiting:
            self._farewell, self.owing_s = answer, self._gate.now_s()  # first what is owed
        else:
            self._say_and_close(answer)

    def leave(self, code: Code, sentence: str = "") -> None:
        """We end it: taken over, retired, silent for too long, shutting down."""
        self._say_and_close(self.session.leave(code, sentence))

    def _say_and_close(self, words: bytes) -> None:
        self.write(words)
        self._close()

    def _close(self) -> None:
        self.hold(CLOSING)
        if self._transport is not None and self.closing_s is None:
            self.closing_s = self._gate.now_s()
            self._transport.close()

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    # ------------------------------------------------------------------ state

    @property
    def held_bytes(self) -> int:
        """Of a packet that has not come whole."""
        return self._held

    @property
    def is_open(self) -> bool:
        return self.session.state is State.OPEN

    @property
    def is_new(self) -> bool:
        return self.session.state is State.NEW

    def deadline_s(self) -> float | None:
        """When something must have come of the client."""
        return self.session.deadline_s()

    @property
    def reading(self) -> bool:
        return not self._holds

    @property
    def known_topics(self) -> int:
        """Topics whose meaning is remembered."""
        return len(self._routes)

    def forget_routes(self, ids: set[str]) -> None:
        """These devices have changed: their topics are looked up again, all of them when it is the publisher."""
        publisher = self.session.device
        if publisher is not None and publisher.id in ids:
            self._routes.clear()
        else:
            for topic in [topic for topic, route in self._routes.items() if route.device.id in ids]:
                del self._routes[topic]

    def hold(self, why: int) -> None:
        """Stops reading; the keep-alive is suspended meanwhile."""
        if not self._holds and self._transport is not None and not self._transport.is_closing():
            self._transport.pause_reading()
        self._holds |= why

    def release(self, why: int) -> None:
        before, self._holds = self._holds, self._holds & ~why
        if before and not self._holds and self._transport is not None and not self._transport.is_closing():
            self.session.heard(self._gate.now_s())
            self._transport.resume_reading()
