"""Publishes a recorded trace through the front door as a device: MQTT 5, QoS 1, so many messages in flight.

What was taken is known from the PUBACKs, what was quarantined from the notices on the device's `errors` topic, which
say how many values each concerns.
"""

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

import msgspec
import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

from coldwatch.operate.trace import Listed, Row, Timing
from ingest.admission import admit, resolve
from schemas.errors import Permanent
from schemas.registry import Device
from schemas.rejection import REASONS, Disposition, Notice, Rejection

BACKLOG: Final = 200
IN_FLIGHT: Final = 20
STALLED_S: Final = 180.0
"""So long without a PUBACK, and the replay gives up; a short outage of Kafka is waited for."""
CONNECT_S: Final = 30.0
KEEP_ALIVE_S: Final = 30
TAKEN_OVER: Final = 0x8E
REFUSED_TOKEN: Final = (0x86, 0x87)
STALLED: Final = (
    "网关长时间没有确认，coldwatch status 可看 Kafka 是否在运行 / "
    "no acknowledgement for a long time; see `coldwatch status` whether Kafka runs"
)


class Target(NamedTuple):
    """Where to publish, and as whom. user: the device itself, or the gateway that it stands behind."""

    host: str
    port: int
    user: str
    token: str
    topic: str
    errors_topic: str


class Outcome(NamedTuple):
    """accepted + refused = values sent. notices: by code, the first sentence (zh, en) of each; reconnects: how often
    the connection was lost, after which a notice may have been counted twice.
    """

    accepted: int
    refused: int
    refused_by_code: dict[str, int]
    sentences: dict[str, tuple[str, str]]
    reconnects: int


def messages(rows: list[Row], metric: str, timing: Timing, size: int) -> Iterator[tuple[int, bytes]]:
    """(values, payload) of native JSON messages of up to `size` readings each, a single one not as an array."""
    for start in range(0, len(rows), size):
        some = rows[start : start + size]
        readings = [
            {"at": timing.at_ms(row.number), "seq": row.number, "values": {metric: row.value}} for row in some
        ]
        yield len(some), json.dumps(readings if size > 1 else readings[0], separators=(",", ":")).encode()


def expected_refusals(
    device: Device, topic: str, rows: list[Row], metric: str, timing: Timing, now_us: int
) -> list[Listed]:
    """The rows that the front door will not take, and why, by its own pure rules."""
    route = resolve(device, topic, lambda _id: None)
    if isinstance(route, Rejection):
        raise Permanent(f"{route.sentence('zh')} / {route.sentence('en')}")
    listed = []
    for row, (_count, payload) in zip(rows, messages(rows, metric, timing, 1), strict=True):
        for rejection, _raw in admit(route, payload, now_us).rejections:
            listed.append(
                Listed(row.line, rejection.code, rejection.sentence("zh"), rejection.sentence("en"))
            )
    return listed


class Publisher:
    """One MQTT connection with a bounded window. Use from one thread; `close` ends it."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._changed = threading.Condition()
        self._ready = False
        self._failure = ""
        self._in_flight: dict[int, int] = {}
        self._early: dict[int, ReasonCode] = {}
        self._sent = 0
        self._failed: Counter[str] = Counter()
        self._notices: Counter[str] = Counter()
        self._sentences: dict[str, tuple[str, str]] = {}
        self._connects = 0
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, f"replay-{target.user}", protocol=mqtt.MQTTv5)
        self._client.username_pw_set(target.user, target.token)
        self._client.max_inflight_messages_set(IN_FLIGHT)
        self._client.on_connect = self._on_connect
        self._client.on_disconnect = self._on_disconnect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_publish = self._on_publish
        self._client.on_message = self._on_message

    def open(self) -> None:
        """Connects and listens to the device's errors. Raises Permanent, with what to do, when it is refused."""
        host, port = self._target.host, self._target.port
        try:
            self._client.connect(host, port, KEEP_ALIVE_S)
        except OSError as error:
            raise Permanent(
                f"连不上 {host}:{port}({error});coldwatch status 可看网关是否在运行 / "
                f"cannot reach {host}:{port} ({error}); see `coldwatch status` whether the gateway runs"
            ) from error
        self._client.loop_start()
        self._wait(lambda: self._ready, CONNECT_S, "网关没有应答 / the gateway does not answer")

    def publish(self, payload: bytes, values: int) -> None:
        """Sends one message, once there is room in the window. Raises Permanent when the connection is refused."""
        self._wait(lambda: len(self._in_flight) < IN_FLIGHT, STALLED_S, STALLED)
        # Not under our lock: paho calls on_publish with its own one held, which publish needs too.
        mid = self._client.publish(self._target.topic, payload, qos=1).mid
        with self._changed:
            self._sent += values
            self._in_flight[mid] = values
            early = self._early.pop(mid, None)
            if early is not None:
                self._acknowledged(mid, early)

    def finish(self) -> Outcome:
        """Waits until everything is acknowledged."""
        self._wait(lambda: not self._in_flight, STALLED_S, STALLED)
        return self.outcome()

    def outcome(self) -> Outcome:
        """As known now; what is in flight counts as neither accepted nor refused."""
        with self._changed:
            by_code = self._failed + self._notices
            refused = by_code.total()
            accepted = self._sent - sum(self._in_flight.values()) - refused
            return Outcome(accepted, refused, dict(by_code), dict(self._sentences), self._connects - 1)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _wait(self, done: Callable[[], bool], limit_s: float, sentence: str) -> None:
        """Until `done`, or a failure, or nothing has happened for `limit_s`."""
        with self._changed:
            while not self._failure and not done():
                if not self._changed.wait(limit_s):
                    raise Permanent(sentence)
            if self._failure:
                raise Permanent(self._failure)

    # ------------------------------------------------------------------ paho's thread

    def _on_connect(
        self, _client: Any, _data: Any, _flags: Any, reason: ReasonCode, _properties: Any
    ) -> None:
        if reason.is_failure:
            self._fail(_connect_failure(reason, self._target.user))
            return
        self._connects += 1
        self._client.subscribe(self._target.errors_topic, qos=0)

    def _on_disconnect(
        self, _client: Any, _data: Any, _flags: Any, reason: ReasonCode, _properties: Any
    ) -> None:
        if reason.value == TAKEN_OVER:
            user = self._target.user
            self._fail(
                f"{user} 正在别处回放：先停掉那一个 / {user} is being replayed elsewhere: stop that one first"
            )

    def _on_subscribe(
        self, _client: Any, _data: Any, _mid: int, _reasons: list[ReasonCode], _properties: Any
    ) -> None:
        with self._changed:
            self._ready = True
            self._changed.notify_all()

    def _on_publish(self, _client: Any, _data: Any, mid: int, reason: ReasonCode, _properties: Any) -> None:
        with self._changed:
            if mid in self._in_flight:
                self._acknowledged(mid, reason)
            else:
                self._early[mid] = reason
            self._changed.notify_all()

    def _acknowledged(self, mid: int, reason: ReasonCode) -> None:
        values = self._in_flight.pop(mid)
        if reason.is_failure:
            self._failed[str(reason)] += values

    def _on_message(self, _client: Any, _data: Any, message: mqtt.MQTTMessage) -> None:
        notice = msgspec.json.decode(message.payload, type=Notice)
        reason = REASONS.get(notice.code)
        with self._changed:
            self._sentences.setdefault(notice.code, (notice.zh, notice.en))
            if reason is not None and reason.disposition is Disposition.QUARANTINED:
                self._notices[notice.code] += notice.count
            self._changed.notify_all()

    def _fail(self, sentence: str) -> None:
        with self._changed:
            self._failure = sentence
            self._changed.notify_all()


def _connect_failure(reason: ReasonCode, user: str) -> str:
    if reason.value in REFUSED_TOKEN:
        return (
            f"网关不认 {user} 的令牌：检查令牌，或用 coldwatch device token {user} 换发 / "
            f"the gateway refuses the token of {user}: check it, or give a new one with `coldwatch device token {user}`"
        )
    return f"网关拒绝连接：{reason}；稍后再试 / the gateway refuses the connection: {reason}; try again later"


def publish_all(
    publisher: Publisher,
    rows: list[Row],
    metric: str,
    timing: Timing,
    speed: float | None,
    advance: Callable[[int], None],
) -> None:
    """Sends all rows: as fast as they are taken, or paced at `speed` times the interval. `advance` hears the rows."""
    started_s = time.monotonic()
    first = rows[0].number if rows else 0
    size = BACKLOG if speed is None else 1
    sent = 0
    for values, payload in messages(rows, metric, timing, size):
        if speed is not None:
            due_s = started_s + (rows[sent].number - first) * timing.interval_ms / 1000 / speed
            time.sleep(max(0.0, due_s - time.monotonic()))
        publisher.publish(payload, values)
        sent += values
        advance(values)
