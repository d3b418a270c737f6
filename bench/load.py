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
from collections import Counter
from pathlib import Path
from typing import TextIO

import msgspec
import uvloop

from bench.client import Client, Report
from bench.fleet import Fleet, load

CONNECTING = 500
"""Connections being made at once."""
TICK_S = 0.001


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

    def settled(self, count: int) -> None:
        """So many more readings are acknowledged."""
        self.report.acknowledged += count
        if self.report.acknowledged >= self._target:
            self._done.set()

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
            client.abort()


def _quantile(ordered: list[tuple[int, int]], total: int, q: float) -> float:
    """Milliseconds, from counts by tenths of a millisecond."""
    seen = 0
    for tenths, count in ordered:
        seen += count
        if seen >= q * total:
            return tenths / 10
    return 0.0


async def run(
    fleet: Fleet,
    host: str,
    port: int,
    readings: int,
    *,
    rate: float = 0.0,
    window: int = 0,
    log: TextIO | None = None,
    hold_s: float = 0.0,
) -> Report:
    """One whole run. `window`: messages in flight per connection; 0 chooses one. `hold_s`: how long the connections
    stay afterwards, with nothing sent."""
    load = Load(fleet, host, port, window or default_window(len(fleet.gateways)), rate, log)
    try:
        await load.connect()
        report = await load.run(readings)
        await asyncio.sleep(hold_s)
        return report
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
    parser.add_argument("--hold", type=float, default=0.0, help="seconds the connections stay, nothing sent")
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
                hold_s=chosen.hold,
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
