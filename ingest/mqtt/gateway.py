"""Our MQTT front door: many connections, one registry, one delivery. Edge; building it opens nothing.

PUBACK goes out only after Kafka has confirmed every pack that holds the message. Bytes in hand are bounded: at the
bound no socket is read. Clock lines tell the judge what time it is here, and only while we can hear the devices.
"""

import asyncio
import contextlib
import socket
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import msgspec
import structlog

from ingest.delivery import Delivery
from ingest.mqtt import codes
from ingest.mqtt.codes import Code
from ingest.mqtt.connection import Connection, Hold
from ingest.mqtt.metrics import Metrics
from ingest.mqtt.session import Limits, State, may_read
from ingest.packer import Ticket
from ingest.refusals import Refusals
from ingest.registry import RegistryCache
from schemas.reading import clock_line
from schemas.registry import Device
from schemas.rejection import Rejection, notice_of
from schemas.settings import GatewaySettings

LOW_SHARE = 0.75
"""Reading goes on when the bytes in hand have come down to this share of the bound."""
EXCESS = 1_000
"""Connections above the limit that are still told "server busy"; beyond it they are cut without a word."""
LINGER_S = 5.0
GOODBYE_S = 1.0
UNREAD_S = 60.0
"""A client that takes nothing of what we write for so long is cut."""
LOG_EVERY_S = 30.0
BACKLOG = 4096

log = structlog.get_logger()
_encode_notice = msgspec.json.Encoder().encode


class Gateway:
    """`look_up` asks the registry's database anew; `known` says whether its answers can be trusted now."""

    def __init__(
        self,
        settings: GatewaySettings,
        registry: RegistryCache,
        refusals: Refusals,
        metrics: Metrics,
        run: str,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self.limits = Limits(
            settings.max_telemetry_bytes, settings.max_frame_bytes, settings.connect_timeout_s
        )
        self.now_s = now_s
        self.delivery: Delivery
        self.find = registry.find
        self._settings = settings
        self._registry = registry
        self._refusals = refusals
        self._metrics = metrics
        self._run = run
        self._connections: set[Connection] = set()
        self._empty = asyncio.Event()
        self._empty.set()
        self._devices: dict[str, Connection] = {}
        self._listeners: dict[str, set[Connection]] = {}
        self._acknowledging: set[Connection] = set()
        self._clocks: dict[int, Ticket] = {}
        self._flushing = False
        self._full = False
        self._stopping = False
        self._unconfirmed = 0
        self._kept = 0
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.look_up: Callable[[], Awaitable[bool]] | None = None
        self.known: Callable[[], bool] = lambda: True
        self.accepted_values = 0
        self.acknowledged_messages = 0
        self.received_bytes = 0
        self.reading_stops = 0
        self.beat_s = now_s()
        self._logged_s = float("-inf")

    # ------------------------------------------------------------------ sockets

    async def listen(self, host: str, port: int) -> int:
        """Takes connections from now on; returns the port."""
        loop = asyncio.get_running_loop()
        listener = _listener(host, port)
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
        for topic in connection.session.subscriptions:
            self._unlisten(connection, topic)
        device = connection.session.device
        if device is not None and self._devices.get(device.id) is connection:
            del self._devices[device.id]

    # ------------------------------------------------------------------ sign-in

    def sign_in(self, connection: Connection, username: str, password: bytes) -> None:
        """Decides on a CONNECT, at once when the cache knows the device."""
        if len(self._connections) > self._settings.max_connections:
            connection.refuse(codes.BUSY, username)
        elif (device := self._authenticated(username, password)) is not None:
            self._accept(connection, device)
        elif self._registry.find(username) is None and self.look_up is not None:
            connection.hold(Hold.SIGN_IN)
            task = asyncio.get_running_loop().create_task(self._ask(connection, username, password))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        else:
            self._decline(connection, username)

    async def _ask(self, connection: Connection, username: str, password: bytes) -> None:
        assert self.look_up is not None
        await self.look_up()
        if connection.session.state is not State.CHECKING:
            return
        if (device := self._authenticated(username, password)) is not None:
            self._accept(connection, device)
        else:
            self._decline(connection, username)

    def _authenticated(self, username: str, password: bytes) -> Device | None:
        try:
            return self._registry.authenticate(username, password.decode())
        except UnicodeDecodeError:
            return None

    def _decline(self, connection: Connection, username: str) -> None:
        device = self._registry.find(username)
        if not self.known():
            refusal = codes.UNAVAILABLE
        elif device is None:
            refusal = codes.UNKNOWN_DEVICE
        else:
            refusal = codes.BAD_TOKEN if device.retired_us is None else codes.RETIRED_DEVICE
        connection.refuse(refusal, username)

    def _accept(self, connection: Connection, device: Device) -> None:
        before = self._devices.get(device.id)
        if before is not None:
            before.leave(
                Code.SESSION_TAKEN_OVER, "同一设备在别处登录 / the same device has signed in elsewhere"
            )
        self._devices[device.id] = connection
        connection.accept(device)
        if self._full:
            connection.hold(Hold.FULL)

    def refused(self, address: str, username: str, code: str) -> float:
        """Counts and records a refusal; returns how many seconds to keep its answer back."""
        self._metrics.sign_ins.labels(code).inc()
        return self._refusals.note(address, username, code, time.time())

    def registry_changed(self, ids: set[str]) -> None:
        """Devices changed: routes are looked up again; a retired device, or one with a new token, is cut."""
        for device_id in ids:
            connection = self._devices.get(device_id)
            if connection is None or connection.session.device is None:
                continue
            device = self._registry.find(device_id)
            if device is None or device.retired_us is not None:
                connection.leave(Code.ADMINISTRATIVE_ACTION, "设备已停用 / the device is retired")
            elif device.token_sha256 != connection.session.device.token_sha256:
                connection.leave(Code.NOT_AUTHORIZED, "令牌已更换 / the token was replaced")
            else:
                connection.session.device = device
        for connection in self._connections:
            connection.forget_routes()
            if connection.session.subscriptions:
                self._drop_foreign(connection)

    # ------------------------------------------------------------------ down: the errors topic

    def permits(self, device: Device, topic: str) -> bool:
        return may_read(device, topic, self.find)

    def listens(self, connection: Connection, topics: tuple[str, ...]) -> None:
        """The connection has changed what it listens to."""
        for topic in topics:
            if topic in connection.session.subscriptions:
                self._listeners.setdefault(topic, set()).add(connection)
            else:
                self._unlisten(connection, topic)

    def _unlisten(self, connection: Connection, topic: str) -> None:
        listeners = self._listeners.get(topic)
        if listeners is not None:
            listeners.discard(connection)
            if not listeners:
                del self._listeners[topic]

    def _drop_foreign(self, connection: Connection) -> None:
        """A device may have been moved to another gateway: its errors are no longer this one's to read."""
        session = connection.session
        device = session.device
        for topic in [t for t in session.subscriptions if device is None or not self.permits(device, t)]:
            session.subscriptions.discard(topic)
            self._unlisten(connection, topic)

    def rejected(self, rejection: Rejection) -> None:
        """Counts a refusal and tells whoever listens to the device's errors."""
        self._metrics.refused.labels(rejection.code).inc(rejection.count)
        if not self._listeners:
            return
        device = self.find(rejection.device)
        if device is None:
            return
        topic = f"cw/v1/{device.enterprise}/{device.id}/errors"
        listeners = self._listeners.get(topic)
        if listeners:
            at = datetime.fromtimestamp(rejection.received_us / 1e6, UTC).isoformat().replace("+00:00", "Z")
            payload = _encode_notice(notice_of(rejection, at))
            for connection in listeners:
                if not connection.notify(topic, payload):
                    self._metrics.notices_dropped.inc()

    # ------------------------------------------------------------------ through: tickets and the bound

    def admitted(self, ticket: Ticket) -> None:
        """A connection's run of messages is in the lanes: count its bytes, and send at the end of this turn."""
        self.received_bytes += ticket.size
        self._unconfirmed += ticket.size
        ticket.pending -= 1
        if not ticket.pending:
            self.completed([ticket])
        elif not self._flushing:
            self._flushing = True
            asyncio.get_running_loop().call_soon(self._flush)
        if self._unconfirmed + self._kept >= self._settings.max_buffered_bytes and not self._full:
            self._stop_reading()

    def _flush(self) -> None:
        self._flushing = False
        self.delivery.flush()

    def completed(self, tickets: list[Ticket]) -> None:
        """Kafka has confirmed all of these; their connections write at the end of this turn."""
        waking = not self._acknowledging
        for ticket in tickets:
            connection = ticket.owner
            if type(connection) is Connection:
                self._unconfirmed -= ticket.size
                self.accepted_values += ticket.count
                self.acknowledged_messages += len(ticket.acks)
                self._acknowledging.add(connection)
        if waking and self._acknowledging:
            asyncio.get_running_loop().call_soon(self._acknowledge)

    def _acknowledge(self) -> None:
        for connection in self._acknowledging:
            connection.acknowledge()
        self._acknowledging.clear()
        if self._full:
            self._maybe_read_on()

    def kept(self, change: int) -> None:
        """Bytes of unfinished packets have grown or shrunk."""
        self._kept += change
        if (
            change > 0
            and self._unconfirmed + self._kept >= self._settings.max_buffered_bytes
            and not self._full
        ):
            self._stop_reading()

    def _stop_reading(self) -> None:
        self._full = True
        self.reading_stops += 1
        if self.now_s() - self._logged_s > LOG_EVERY_S:
            self._logged_s = self.now_s()
            log.warning("reading_stopped", unconfirmed=self._unconfirmed, unfinished=self._kept)
        for connection in self._connections:
            if connection.session.state is State.OPEN:
                connection.hold(Hold.FULL)

    def _maybe_read_on(self) -> None:
        if self._unconfirmed + self._kept <= self._settings.max_buffered_bytes * LOW_SHARE:
            self._full = False
            for connection in self._connections:
                connection.release(Hold.FULL)

    # ------------------------------------------------------------------ time

    async def run_clock(self) -> None:
        """Clock lines, deadlines and the bound, once a `clock_interval_s`, until cancelled."""
        loop = asyncio.get_running_loop()
        due_s = loop.time()
        while True:
            self.beat_s = self.now_s()
            self._write_clocks(time.time_ns() // 1000)
            self._sweep(self.now_s())
            if self._full:
                self._relieve()
            due_s = max(due_s + self._settings.clock_interval_s, loop.time())
            await asyncio.sleep(due_s - loop.time())

    def _write_clocks(self, now_us: int) -> None:
        """A clock line into each partition, behind what waits there, where the one before it is confirmed.

        None while we do not read, or while Kafka does not confirm: devices that we do not hear, or do not
        acknowledge, must not look silent. The judge sees the jump and gives every device time.
        """
        if self._full or self._stopping:
            return
        line = clock_line(now_us, self._run)
        for partition, lane in enumerate(self.delivery.lanes):
            last = self._clocks.get(partition)
            if last is None or not last.pending:
                ticket = Ticket()
                lane.add(line, 0, ticket)
                ticket.pending -= 1
                self._clocks[partition] = ticket
        self.delivery.flush()

    def _sweep(self, now_s: float) -> None:
        for connection in list(self._connections):
            if connection.closing_s is not None:
                if now_s - connection.closing_s > LINGER_S:
                    connection.abort()
                continue
            if connection.unread_s is not None and now_s - connection.unread_s > UNREAD_S:
                self.refused(connection.address, _name(connection), "does_not_read")
                connection.abort()
                continue
            if not connection.reading:
                continue
            deadline_s = connection.session.deadline_s()
            if deadline_s is not None and now_s > deadline_s:
                code = "no_connect" if connection.session.state is State.NEW else "keep_alive_timeout"
                self.refused(connection.address, _name(connection), code)
                connection.leave(Code.KEEP_ALIVE_TIMEOUT, "太久没有消息 / nothing came for too long")

    def _relieve(self) -> None:
        """Unfinished packets alone fill the bound: nothing would ever be confirmed. The largest one goes."""
        self._maybe_read_on()
        if self._full and not self._unconfirmed and self._connections:
            largest = max(self._connections, key=lambda connection: connection.held_bytes)
            self.refused(largest.address, _name(largest), "unfinished_packet")
            largest.leave(Code.QUOTA_EXCEEDED, "内存已满,请重发 / buffers are full, send again")

    # ------------------------------------------------------------------ the end, and figures

    async def stop(self, limit_s: float = 6.0) -> None:
        """Stops listening and reading, lets packs be confirmed for `limit_s`, acknowledges, says goodbye."""
        self._stopping = True
        if self._server is not None:
            self._server.close()
        for connection in self._connections:
            connection.hold(Hold.FULL)
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
            "signed_in": len(self._devices),
            "buffered_bytes": self._unconfirmed + self._kept,
            "reading_stopped": float(self._full),
            "oldest_pack_seconds": self.delivery.oldest_s(time.monotonic()),
        }

    def counters(self) -> dict[str, float]:
        return {
            "accepted_values": self.accepted_values,
            "acknowledged_messages": self.acknowledged_messages,
            "received_bytes": self.received_bytes,
            "reading_stops": self.reading_stops,
        }


def _listener(host: str, port: int) -> socket.socket:
    """A bound socket whose connections notice a dead peer: 3.1.1 clients may come without keep-alive."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 60)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 20)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3)
    listener.bind((host, port))
    listener.setblocking(False)
    return listener


def _name(connection: Connection) -> str:
    return connection.session.device.id if connection.session.device is not None else ""
