"""Our MQTT front door: many connections, one registry, one delivery. Edge; building it opens nothing.

PUBACK goes out only after Kafka has confirmed every pack that holds the message. Bytes in hand are bounded: at the
bound no socket is read. Clock lines tell the judge what time it is here, and only while we can hear the devices.
"""

import asyncio
import contextlib
import hashlib
import time
from collections.abc import Callable

from ingest.admission import refuse
from ingest.clocks import Clocks
from ingest.delivery import SPACING_S, Delivery, Sends, shortened
from ingest.evidence import Evidence
from ingest.mqtt import codes
from ingest.mqtt.bound import Bound
from ingest.mqtt.codes import Code
from ingest.mqtt.connection import Connection
from ingest.mqtt.cut_streams import CutStreams
from ingest.mqtt.deadlines import Why, overdue
from ingest.mqtt.holds import FULL
from ingest.mqtt.listener import listen
from ingest.mqtt.metrics import Metrics
from ingest.mqtt.notices import Notices
from ingest.mqtt.session import Limits
from ingest.mqtt.sign_in import SignIn
from ingest.packer import Ticket
from ingest.refusals import Refusals
from ingest.registry import RegistryCache
from ingest.routing import TABLES, Tables
from schemas.registry import Device
from schemas.rejection import Rejection
from schemas.settings import GatewaySettings

EXCESS = 1_000
"""Connections above the limit that are still told "server busy"; beyond it they are cut without a word."""
GOODBYE_S = 1.0
BACKLOG = 4096
STEPPED_US = 1_000_000
"""A clock that goes back by this was set; by less, what was given runs ahead of it a little."""


class Server:
    """MQTT's server. `run` names this process in packs and clock lines; `prefix` is put before every topic's name."""

    def __init__(
        self,
        settings: GatewaySettings,
        registry: RegistryCache,
        refusals: Refusals,
        metrics: Metrics,
        run: str,
        sends: Sends,
        evidence: Evidence,
        prefix: str = "",
        now_s: Callable[[], float] = time.monotonic,
        spacing_s: float = SPACING_S,
        tables: Tables = TABLES,
    ) -> None:
        self.limits = Limits(
            settings.max_telemetry_bytes, settings.max_frame_bytes, settings.connect_timeout_s
        )
        self.now_s = now_s
        self.tables = tables
        self.delivery = Delivery(
            sends, evidence, prefix, run, self.completed, metrics.confirm_seconds.observe, spacing_s
        )
        self.find = registry.find
        self.signing_in = SignIn(registry)
        self.notices = Notices(registry.find, metrics.notices_dropped.inc, now_s)
        self._settings = settings
        self._refusals = refusals
        self._metrics = metrics
        self._clocks = Clocks(self.delivery.lanes, run)
        self._connections: set[Connection] = set()
        self._empty = asyncio.Event()
        self._empty.set()
        self._acknowledging: set[Connection] = set()
        self._bound = Bound(settings.max_buffered_bytes, lambda: self._connections, now_s)
        self._stopping = False
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.accepted_values = 0
        self.acknowledged_messages = 0
        self.received_bytes = 0
        self.beat_s = now_s()
        self._given_us = 0
        self._cuts = CutStreams(now_s)

    # ------------------------------------------------------------------ sockets

    async def listen(self, host: str, port: int) -> int:
        """Takes connections from now on; returns the port."""
        loop = asyncio.get_running_loop()
        listener = listen(host, port)
        self._server = await loop.create_server(lambda: Connection(self), sock=listener, backlog=BACKLOG)
        return int(listener.getsockname()[1])

    def joined(self, connection: Connection) -> None:
        if self._stopping or len(self._connections) >= self._settings.max_connections + EXCESS:
            connection.abort()
            return
        self._connections.add(connection)
        self._empty.clear()

    def left(self, connection: Connection) -> None:
        self._connections.discard(connection)
        if not self._connections:
            self._empty.set()
        self._acknowledging.discard(connection)
        self.notices.leave(connection)
        self.signing_in.leave(connection)

    # ------------------------------------------------------------------ sign-in and refusals

    def sign_in(self, connection: Connection, username: str, password: bytes) -> None:
        if len(self._connections) > self._settings.max_connections:
            connection.refuse(codes.BUSY, username)
            return
        self.signing_in.decide(connection, username, password)

    def signed_in(self, connection: Connection) -> None:
        """It is in: while nobody is read, it is not either."""
        if self._bound.is_full:
            connection.hold(FULL)

    def refused(self, address: str, username: str, code: str) -> float:
        """Counts and records a refusal; returns how many seconds to keep its answer back."""
        self._metrics.sign_ins.labels(code).inc()
        known = self.find(username) is not None
        return self._refusals.note(address, username if known else stranger(username), code, time.time())

    def rejected(self, rejection: Rejection) -> None:
        """Counts a refused message and tells whoever listens to the device's errors."""
        self._metrics.refused.labels(rejection.code).inc(rejection.count)
        self.notices.tell(rejection)

    def cut(self, device: Device, code: str, detail: str, heard: bool = True) -> None:
        """A signed-in device's stream was cut: told like any refusal, though no message of its own is. heard: whether
        something had come of it just then; who was cut for saying nothing was not, and the judge is told nothing.
        """
        received_us = self.next_us(1) + 1
        rejection = self._cuts.rejection(device, code, detail, received_us)
        if rejection is None or self._stopping:
            return
        admitted, ticket = refuse(rejection, b"", received_us), Ticket()
        if heard:
            self.delivery.lanes[admitted.partition].add(admitted.lines, 0, ticket)
        for kept, raw in admitted.rejections:
            self.delivery.add_rejection(kept, raw, ticket)
            self.rejected(shortened(kept))
        ticket.pending -= 1
        self.delivery.flush()

    def registry_changed(self, ids: set[str]) -> None:
        """Devices changed: who may not stay is cut, and their topics are looked up again."""
        self.signing_in.review(ids)
        for connection in self._connections:
            connection.forget_routes(ids)
            if connection.session.subscriptions:
                self.notices.review(connection)

    # ------------------------------------------------------------------ through: tickets and the bound

    def next_us(self, messages: int) -> int:
        """Received times for so many messages: each of the microseconds behind the one returned is given once."""
        now_us = time.time_ns() // 1000
        if 0 <= self._given_us - now_us < STEPPED_US:
            now_us = self._given_us
        self._given_us = now_us + messages
        return now_us

    def admitted(self, ticket: Ticket) -> None:
        """A connection's run of messages is in the lanes: count its bytes, and send at the end of this turn."""
        self.received_bytes += ticket.size
        self._bound.take(ticket.size)
        ticket.pending -= 1
        if not ticket.pending:
            self.completed([ticket])
        else:
            self.delivery.flush()
        self._bound.check()

    def completed(self, tickets: list[Ticket]) -> None:
        """Kafka has confirmed all of these; their connections write at the end of this turn."""
        waking = not self._acknowledging
        for ticket in tickets:
            connection = ticket.owner
            if type(connection) is Connection:
                self._bound.confirm(ticket.size)
                self.accepted_values += ticket.count
                self.acknowledged_messages += len(ticket.acks)
                self._acknowledging.add(connection)
        if waking and self._acknowledging:
            asyncio.get_running_loop().call_soon(self._acknowledge)

    def _acknowledge(self) -> None:
        for connection in self._acknowledging:
            connection.acknowledge()
        self._acknowledging.clear()
        self._bound.read_on()

    def kept(self, change: int) -> None:
        """Bytes of unfinished packets have grown or shrunk."""
        self._bound.keep(change)

    # ------------------------------------------------------------------ time

    async def run_clock(self) -> None:
        """Clock lines, deadlines and the bound, once a `clock_interval_s`, until cancelled."""
        loop = asyncio.get_running_loop()
        due_s = loop.time()
        while True:
            self.beat_s = self.now_s()
            self._write_clocks(time.time_ns() // 1000)
            self._sweep(self.now_s())
            if self._bound.is_full:
                self._relieve()
            due_s = max(due_s + self._settings.clock_interval_s, loop.time())
            await asyncio.sleep(due_s - loop.time())

    def _write_clocks(self, now_us: int) -> None:
        if not self._bound.is_deaf and not self._stopping:
            self._clocks.write(now_us)
            self.delivery.flush()

    def _sweep(self, now_s: float) -> None:
        for connection, why in list(overdue(self._connections, now_s)):
            if why is Why.LINGERS:
                connection.abort()
                continue
            self.refused(connection.address, _name(connection), why.value)
            if why is Why.DOES_NOT_READ:
                connection.abort()
            else:
                if why is Why.KEEP_ALIVE_TIMEOUT and (device := connection.session.device) is not None:
                    self.cut(device, "keep_alive", connection.session.keep_alive, heard=False)
                connection.leave(Code.KEEP_ALIVE_TIMEOUT, "太久没有消息 / nothing came for too long")

    def _relieve(self) -> None:
        """Unfinished packets alone fill the bound: the largest one goes."""
        if self._bound.is_stuck() and self._connections:
            largest = max(self._connections, key=lambda connection: connection.held_bytes)
            self.refused(largest.address, _name(largest), "unfinished_packet")
            largest.leave(Code.QUOTA_EXCEEDED, "内存已满，请重发 / buffers are full, send again")

    # ------------------------------------------------------------------ the end, and figures

    async def stop(self, limit_s: float = 6.0) -> None:
        """Stops listening and reading, lets packs be confirmed for `limit_s`, acknowledges, says goodbye."""
        self._stopping = True
        if self._server is not None:
            self._server.close()
        for connection in self._connections:
            connection.hold(FULL)
        self.delivery.flush()
        await self.delivery.drained(limit_s)
        self._acknowledge()
        for connection in list(self._connections):
            connection.leave(Code.SERVER_SHUTTING_DOWN, "服务正在重启 / the server is restarting")
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._empty.wait(), GOODBYE_S)
        for connection in list(self._connections):
            connection.abort()

    def gauges(self) -> dict[str, float]:
        return {
            "connections": len(self._connections),
            "signed_in": len(self.signing_in),
            "buffered_bytes": self._bound.unconfirmed + self._bound.kept,
            "reading_stopped": float(self._bound.is_full),
            "oldest_pack_seconds": self.delivery.oldest_s(time.monotonic()),
        }

    def counters(self) -> dict[str, float]:
        return {
            "accepted_values": self.accepted_values,
            "acknowledged_messages": self.acknowledged_messages,
            "received_bytes": self.received_bytes,
            "reading_stops": self._bound.stops,
        }


def stranger(username: str) -> str:
    """A name that nobody has, as it is kept: it may be a token that stands in the wrong field. Enough to tell a
    mistyped id by, and to know it again.
    """
    if not username:
        return ""
    digest = hashlib.sha256(username.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{username[: min(4, len(username) // 3)]}… ({len(username)}, #{digest[:8]})"


def _name(connection: Connection) -> str:
    return connection.session.device.id if connection.session.device is not None else ""
