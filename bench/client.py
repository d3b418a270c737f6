"""One connection of the bench's load: bursts of prebuilt bytes out, blocks of PUBACKs in."""

import asyncio
import time
from collections import Counter, deque
from itertools import chain, repeat
from typing import Protocol, TextIO, cast

import msgspec

from bench.fleet import Fleet, Gateway
from schemas.device_topics import TELEMETRY, topic_of

MIDS = [number.to_bytes(2, "big") for number in range(65_536)]
ACKS = b"".join(b"\x40\x02" + mid for mid in MIDS)
"""Every PUBACK in order, so that a run of them is a slice."""
FIRST_SEQ = 1_000_000_000
"""Ten digits from the first on: all packets of a connection are of one size."""
IN_RANGE = (3.12, 4.25, 4.5, 3.87, 5.01, 4.44, 3.66, 4.93)
OUT_OF_RANGE = (9.12, 9.25, 9.5, 8.87, 9.01, 9.44, 8.66, 8.93)
PAYLOAD_BYTES = 200
RETRY_S = 0.3


class Report(msgspec.Struct):
    """What came of a run; `seconds` from the first reading sent to the last acknowledged."""

    readings: int = 0
    acknowledged: int = 0
    resent: int = 0
    reconnects: int = 0
    connect_s: float = 0.0
    seconds: float = 0.0
    readings_per_s: float = 0.0
    puback_ms_p50: float = 0.0
    puback_ms_p95: float = 0.0
    puback_ms_p99: float = 0.0
    puback_ms_max: float = 0.0


class Run(Protocol):
    """What a client needs to know of the run it takes part in."""

    fleet: Fleet
    host: str
    port: int
    window: int
    log: TextIO | None
    report: Report
    latencies: Counter[int]
    connecting: asyncio.Semaphore

    def ready(self, client: "Client") -> None: ...

    def settled(self, count: int) -> None: ...


class Burst:
    """Messages sent together: `count` of them are not acknowledged yet, from `done` on."""

    __slots__ = ("at_ms", "count", "data", "done", "first", "sent_s", "turn")

    def __init__(self, data: bytes, count: int, sent_s: float, first: int, turn: int, at_ms: int) -> None:
        self.data = data
        self.count = count
        self.done = 0
        self.sent_s = sent_s
        self.first = first
        self.turn = turn
        self.at_ms = at_ms


class Client(asyncio.Protocol):
    """One connection: a gateway that speaks for its devices in turn."""

    def __init__(self, run: Run, gateway: Gateway) -> None:
        self._run = run
        self._gateway = gateway
        self._devices = gateway.devices
        self._heads = [_head(run.fleet.enterprise, device) for device in gateway.devices]
        out = [device in run.fleet.out_of_range for device in gateway.devices]
        self._tails = [[OUT_TAILS[turn] if o else IN_TAILS[turn] for o in out] for turn in range(8)]
        sizes = {len(head) for head in self._heads}
        if len(sizes) != 1:
            raise ValueError("the devices of one gateway need names of one length")
        self._size = sizes.pop() + 2 + PAYLOAD_BYTES
        self._next = 0
        self._turn = 0
        self._last_at_ms = 0
        self._mid = 1
        self._expected = 1
        self._bursts: deque[Burst] = deque()
        self._rest = b""
        self._transport: asyncio.Transport | None = None
        self._blocked = False
        self.in_flight = 0
        self.open = False
        self.connected = asyncio.get_running_loop().create_future()
        self.lost = asyncio.get_running_loop().create_future()

    # ------------------------------------------------------------------ connection

    async def run(self) -> None:
        """Keeps the connection, again and again, until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            async with self._run.connecting:
                try:
                    await loop.create_connection(lambda: self, self._run.host, self._run.port)
                    await asyncio.wait({self.lost, self.connected}, return_when=asyncio.FIRST_COMPLETED)
                except OSError:
                    await asyncio.sleep(RETRY_S)
                    continue
            await self.lost
            self.lost = loop.create_future()
            self._run.report.reconnects += 1
            await asyncio.sleep(RETRY_S)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(_connect(self._gateway))

    def connection_lost(self, error: Exception | None) -> None:
        self.open = self._blocked = False
        self._rest = b""
        self._transport = None
        if not self.lost.done():
            self.lost.set_result(None)

    def pause_writing(self) -> None:
        self._blocked = True

    def resume_writing(self) -> None:
        self._blocked = False
        self._run.ready(self)

    def data_received(self, data: bytes) -> None:
        if self._rest:
            data = self._rest + data
        if not self.open:
            if len(data) < 4:
                self._rest = data
                return
            if data[:4] != b"\x20\x02\x00\x00":
                raise ConnectionError(f"{self._gateway.id} was refused: {data[:4].hex()}")
            data = data[4:]
            self._signed_in()
        whole = len(data) & ~3
        self._rest = data[whole:]
        if whole:
            self._acknowledged(data[:whole])
        self._run.ready(self)

    def _signed_in(self) -> None:
        self.open = True
        if not self.connected.done():
            self.connected.set_result(None)
        self._expected = self._mid_of_oldest()
        for burst in self._bursts:
            data = bytearray(burst.data[burst.done * self._size :])
            data[:: self._size] = b"\x3a" * burst.count
            self._run.report.resent += burst.count
            cast(asyncio.Transport, self._transport).write(data)

    def _mid_of_oldest(self) -> int:
        behind = self._mid - self.in_flight
        return behind if behind > 0 else behind + 65_535

    # ------------------------------------------------------------------ acknowledgements

    def _acknowledged(self, data: bytes) -> None:
        """A run of PUBACKs; they must come in order, each once. Raises ConnectionError when they do not."""
        now_s = time.monotonic()
        pos = 0
        while pos < len(data):
            first = self._expected
            count = min((len(data) - pos) // 4, 65_536 - first)
            if data[pos : pos + 4 * count] != ACKS[4 * first : 4 * (first + count)]:
                raise ConnectionError(f"PUBACKs out of order: {data[pos : pos + 8].hex()} at {first}")
            pos += 4 * count
            self._expected = first + count if first + count < 65_536 else 1
            self._settle(count, now_s)

    def _settle(self, count: int, now_s: float) -> None:
        latencies, log = self._run.latencies, self._run.log
        self.in_flight -= count
        total = count
        while count:
            burst = self._bursts[0]
            some = min(count, burst.count)
            latencies[int((now_s - burst.sent_s) * 10_000)] += some
            if log is not None:
                self._write_log(log, burst, burst.done, some, 1)
            burst.done += some
            burst.count -= some
            count -= some
            if not burst.count:
                self._bursts.popleft()
        self._run.settled(total)

    # ------------------------------------------------------------------ sending

    def send(self, count: int) -> int:
        """Sends up to `count` readings, as the window allows; returns how many."""
        count = min(count, self._run.window - self.in_flight)
        if count <= 0 or not self.open or self._blocked:
            return 0
        at_ms = self._first_at_ms(count)
        parts = []
        first, turn, left = self._next, self._turn, count
        while left:
            some = min(left, len(self._heads) - self._next, 65_536 - self._mid)
            until = self._next + some
            stamp = b'{"at":%d,"seq":%d' % (at_ms + self._turn - turn, FIRST_SEQ + self._turn)
            parts.append(
                chain.from_iterable(
                    zip(
                        self._heads[self._next : until],
                        MIDS[self._mid : self._mid + some],
                        repeat(stamp),
                        self._tails[self._turn & 7][self._next : until],
                        strict=False,
                    )
                )
            )
            self._mid = self._mid + some if self._mid + some < 65_536 else 1
            self._next = until
            if until == len(self._heads):
                self._next = 0
                self._turn += 1
            left -= some
        burst = Burst(b"".join(chain.from_iterable(parts)), count, time.monotonic(), first, turn, at_ms)
        if self._run.log is not None:
            self._write_log(self._run.log, burst, 0, count, 0)
        self._bursts.append(burst)
        self.in_flight += count
        cast(asyncio.Transport, self._transport).write(burst.data)
        return count

    def _first_at_ms(self, count: int) -> int:
        """The device time of a burst's first reading; each further turn through the devices is 1 ms later.

        A device never measures twice at the same time; the burst's last reading is measured now.
        """
        turns = (self._next + count - 1) // len(self._heads)
        first = max(time.time_ns() // 1_000_000 - turns, self._last_at_ms + 1)
        self._last_at_ms = first + turns
        return first

    def _write_log(self, log: TextIO, burst: Burst, start: int, count: int, acked: int) -> None:
        """`device,metric,at_us,seq,value,acked`, a line per reading."""
        devices, fleet = self._devices, self._run.fleet
        for number in range(burst.first + start, burst.first + start + count):
            turn = burst.turn + number // len(devices)
            device = devices[number % len(devices)]
            value = (OUT_OF_RANGE if device in fleet.out_of_range else IN_RANGE)[turn & 7]
            at_us = (burst.at_ms + turn - burst.turn) * 1000
            log.write(f"{device},temperature,{at_us},{FIRST_SEQ + turn},{value!r},{acked}\n")

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()


def _length(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes(out) + bytes((value,))


def _text(value: str) -> bytes:
    raw = value.encode()
    return len(raw).to_bytes(2, "big") + raw


def _connect(gateway: Gateway) -> bytes:
    body = b"\x00\x04MQTT\x04\xc2\x00\x00" + _text(gateway.id) + _text(gateway.id) + _text(gateway.token)
    return b"\x10" + _length(len(body)) + body


def _head(enterprise: str, device: str) -> bytes:
    """A PUBLISH at QoS 1 up to its packet id."""
    topic = _text(topic_of(enterprise, device, TELEMETRY))
    return b"\x32" + _length(len(topic) + 2 + PAYLOAD_BYTES) + topic


def _tail(value: float) -> bytes:
    """The payload behind its sequence number, filled up to PAYLOAD_BYTES with what a device may send besides."""
    start = len(b'{"at":1700000000000,"seq":%d' % FIRST_SEQ)
    text = b',"values":{"temperature":%.2f},"boot":"' % value
    return text + b"f" * (PAYLOAD_BYTES - start - len(text) - 2) + b'"}'


IN_TAILS = [_tail(value) for value in IN_RANGE]
OUT_TAILS = [_tail(value) for value in OUT_OF_RANGE]
