"""A load of MQTT clients in one process that costs little: it shares its two cores with what it measures.

    python -m bench.load FLEET.json --host 127.0.0.1 --port 1883 --readings 2000000 [--rate R] [--json]

Bytes are prebuilt: per device the packet's head with its topic, per value the payload's tail. A burst of messages is
one join and one write; PUBACKs, which come in order, are compared as one block. Payloads are about 200 bytes with one
reading each. What was not acknowledged when a connection breaks is sent again, marked as a duplicate.
"""

import argparse
import asyncio
import sys
import time
from collections import Counter, deque
from itertools import chain, repeat
from pathlib import Path
from typing import TextIO, cast

import msgspec
import uvloop

from bench.fleet import Fleet, Gateway, load

MIDS = [number.to_bytes(2, "big") for number in range(65_536)]
ACKS = b"".join(b"\x40\x02" + mid for mid in MIDS)
"""Every PUBACK in order, so that a run of them is a slice."""
FIRST_SEQ = 1_000_000_000
"""Ten digits from the first on: all packets of a connection are of one size."""
IN_RANGE = (3.12, 4.25, 4.5, 3.87, 5.01, 4.44, 3.66, 4.93)
OUT_OF_RANGE = (9.12, 9.25, 9.5, 8.87, 9.01, 9.44, 8.66, 8.93)
PAYLOAD_BYTES = 200
RETRY_S = 0.3
CONNECTING = 500
"""Connections being made at once."""
TICK_S = 0.001


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

    def __init__(self, load: "Load", gateway: Gateway) -> None:
        self._load = load
        self._gateway = gateway
        self._devices = gateway.devices
        self._heads = [_head(load.fleet.enterprise, device) for device in gateway.devices]
        out = [device in load.fleet.out_of_range for device in gateway.devices]
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
            async with self._load.connecting:
                try:
                    await loop.create_connection(lambda: self, self._load.host, self._load.port)
                    await asyncio.wait({self.lost, self.connected}, return_when=asyncio.FIRST_COMPLETED)
                except OSError:
                    await asyncio.sleep(RETRY_S)
                    continue
            await self.lost
            self.lost = loop.create_future()
            self._load.report.reconnects += 1
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
        self._load.ready(self)

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
        self._load.ready(self)

    def _signed_in(self) -> None:
        self.open = True
        if not self.connected.done():
            self.connected.set_result(None)
        self._expected = self._mid_of_oldest()
        for burst in self._bursts:
            data = bytearray(burst.data[burst.done * self._size :])
            data[:: self._size] = b"\x3a" * burst.count
            self._load.report.resent += burst.count
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
        report, latencies, log = self._load.report, self._load.latencies, self._load.log
        self.in_flight -= count
        report.acknowledged += count
        if report.acknowledged >= self._load._target:
            self._load._done.set()
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

    # ------------------------------------------------------------------ sending

    def send(self, count: int) -> int:
        """Sends up to `count` readings, as the window allows; returns how many."""
        count = min(count, self._load.window - self.in_flight)
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
        if self._load.log is not None:
            self._write_log(self._load.log, burst, 0, count, 0)
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
        devices, fleet = self._devices, self._load.fleet
        for number in range(burst.first + start, burst.first + start + count):
            turn = burst.turn + number // len(devices)
            device = devices[number % len(devices)]
            value = (OUT_OF_RANGE if device in fleet.out_of_range else IN_RANGE)[turn & 7]
            log.write(f"{device},temperature,{(burst.at_ms + turn - burst.turn) * 1000},{FIRST_SEQ + turn},{value!r},{acked}\n")


class Load:
    """All clients of a run. `rate` 0: as fast as the windows allow."""

    def __init__(
        self, fleet: Fleet, host: str, port: int, window: int, rate: float = 0.0, log: TextIO | None = None
    ) -> None:
        self.fleet = fleet
        self.host = host
        self.port = port
        self.window = window
        self.log = log
        self.connecting = asyncio.Semaphore(CONNECTING)
        self.report = Report()
        self.latencies: Counter[int] = Counter()
        self._rate = rate
        self._left = 0
        self._clients: list[Client] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._burst = max(1, window // 4)
        self._target = sys.maxsize
        self._done = asyncio.Event()

    async def connect(self) -> None:
        """Opens every connection; returns when all have signed in. Raises what one of them died of."""
        started_s = time.monotonic()
        self._clients = [Client(self, gateway) for gateway in self.fleet.gateways]
        self._tasks = [asyncio.create_task(client.run()) for client in self._clients]
        await asyncio.gather(*(client.connected for client in self._clients))
        self.report.connect_s = time.monotonic() - started_s

    async def run(self, readings: int) -> Report:
        """Sends so many readings and returns when each is acknowledged."""
        started_s = time.monotonic()
        target = self.report.acknowledged + readings
        self._done.clear()
        self._left = readings
        self.report.readings += readings
        if self._rate:
            await self._send_at_rate(started_s, readings)
        else:
            for client in self._clients:
                self.ready(client)
        self._target = target
        if self.report.acknowledged < target:
            await self._done.wait()
        self.report.seconds = time.monotonic() - started_s
        self._conclude()
        return self.report

    def ready(self, client: Client) -> None:
        """A client's window has room: at full speed it is filled again, a quarter of it at least."""
        if self._rate or not self._left:
            return
        room = self.window - client.in_flight
        if room >= self._burst or room >= self._left:
            self._left -= client.send(min(room, self._left))

    async def _send_at_rate(self, started_s: float, readings: int) -> None:
        sent = turn = 0
        clients = self._clients
        while sent < readings:
            due = min(readings, int((time.monotonic() - started_s) * self._rate)) - sent
            for _ in range(len(clients)):
                if due <= 0:
                    break
                done = clients[turn % len(clients)].send(max(1, due // len(clients)))
                turn += 1
                due -= done
                sent += done
            await asyncio.sleep(TICK_S)

    def _conclude(self) -> None:
        report, total = self.report, sum(self.latencies.values())
        report.readings_per_s = round(report.readings / report.seconds, 1)
        ordered = sorted(self.latencies.items())
        report.puback_ms_p50 = _quantile(ordered, total, 0.50)
        report.puback_ms_p95 = _quantile(ordered, total, 0.95)
        report.puback_ms_p99 = _quantile(ordered, total, 0.99)
        report.puback_ms_max = ordered[-1][0] / 10 if ordered else 0.0

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for client in self._clients:
            if client._transport is not None:
                client._transport.abort()


def _quantile(ordered: list[tuple[int, int]], total: int, q: float) -> float:
    """Milliseconds, from counts by tenths of a millisecond."""
    seen = 0
    for tenths, count in ordered:
        seen += count
        if seen >= q * total:
            return tenths / 10
    return 0.0


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
    topic = _text(f"cw/v1/{enterprise}/{device}/telemetry")
    return b"\x32" + _length(len(topic) + 2 + PAYLOAD_BYTES) + topic


def _tail(value: float) -> bytes:
    """The payload behind its sequence number, filled up to PAYLOAD_BYTES with what a device may send besides."""
    start = len(b'{"at":1700000000000,"seq":%d' % FIRST_SEQ)
    text = b',"values":{"temperature":%.2f},"boot":"' % value
    return text + b"f" * (PAYLOAD_BYTES - start - len(text) - 2) + b'"}'


IN_TAILS = [_tail(value) for value in IN_RANGE]
OUT_TAILS = [_tail(value) for value in OUT_OF_RANGE]


async def run(
    fleet: Fleet,
    host: str,
    port: int,
    readings: int,
    *,
    rate: float = 0.0,
    window: int = 0,
    log: TextIO | None = None,
) -> Report:
    """One whole run. `window`: messages in flight per connection; 0 chooses one."""
    load = Load(fleet, host, port, window or default_window(len(fleet.gateways)), rate, log)
    try:
        await load.connect()
        return await load.run(readings)
    finally:
        await load.close()


def default_window(connections: int) -> int:
    """So that about 40,000 are in flight together, 16 to 2,000 per connection."""
    return max(16, min(2_000, 40_000 // connections))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.load")
    parser.add_argument("fleet", type=Path)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--readings", type=int, default=100_000)
    parser.add_argument("--rate", type=float, default=0.0, help="readings per second; 0: as fast as it goes")
    parser.add_argument("--window", type=int, default=0, help="messages in flight per connection")
    parser.add_argument("--log", type=Path, help="PUBACK log for the checker")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    log = chosen.log.open("a", encoding="ascii") if chosen.log else None
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        report = runner.run(
            run(
                load(chosen.fleet),
                chosen.host,
                chosen.port,
                chosen.readings,
                rate=chosen.rate,
                window=chosen.window,
                log=log,
            )
        )
    if log is not None:
        log.close()
    if chosen.json:
        print(msgspec.json.encode(report).decode())
    else:
        for name, value in msgspec.to_builtins(report).items():
            print(f"{name:16} {value}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
