"""What a message costs at a door that does nothing with it: `python -m bench.floor_door [--json]`, two minutes.

A server of asyncio's protocols on uvloop, as our front door is one: it answers CONNECT, finds the packets of what came
by their lengths alone and answers each PUBLISH with its PUBACK. It looks up no topic, reads no payload and keeps and
sends nothing on. The load is `bench.load`'s, from `--connections`, at each of `--rates`. With `--hold-ms` the PUBACKs
wait that long and leave together, as they do with a door that answers only for what Kafka has confirmed. What our
gateway takes over these figures is admission, packs, Kafka's client and the ledger.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import cast

import uvloop

from bench.cpu import cpu_seconds
from bench.fleet import Fleet, Gateway

CONNACK = b"\x20\x02\x00\x00"
PUBACK = b"\x40\x02"
SECONDS = 20


class Door(asyncio.Protocol):
    """One connection: what is not a PUBLISH of QoS 1 is taken for a CONNECT."""

    def __init__(self, hold_s: float) -> None:
        self._hold_s = hold_s
        self._rest = b""
        self._acks: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._write = cast(asyncio.Transport, transport).write

    def data_received(self, data: bytes) -> None:
        data = self._rest + data
        acks = self._acks
        waking = not acks
        at, length = 0, len(data)
        while at + 3 < length:
            size, body = data[at + 1], at + 2
            if size & 0x80:
                size, body = size & 0x7F | data[at + 2] << 7, at + 3
            if body + size > length:
                break
            if data[at] & 0xF0 == 0x30:
                mid = body + 2 + (data[body] << 8 | data[body + 1])
                acks.append(PUBACK + data[mid : mid + 2])
            else:
                self._write(CONNACK)
            at = body + size
        self._rest = data[at:]
        if not self._hold_s:
            self._answer()
        elif waking and acks:
            asyncio.get_running_loop().call_later(self._hold_s, self._answer)

    def _answer(self) -> None:
        if self._acks:
            self._write(b"".join(self._acks))
            self._acks.clear()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.floor_door", description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--connections", type=int, default=1_000)
    parser.add_argument("--rates", type=int, nargs="*", default=[5_000, 20_000])
    parser.add_argument("--hold-ms", type=float, nargs="*", default=[0.0, 50.0])
    parser.add_argument("--serve", action="store_true", help="be the door itself")
    chosen = parser.parse_args()
    if chosen.serve:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve(chosen.hold_ms[0] / 1000))
        return 0
    with tempfile.TemporaryDirectory(prefix="coldwatch-bench-") as directory:
        plan = Path(directory) / "fleet.json"
        fleet(chosen.connections).save(plan)
        for hold_ms in chosen.hold_ms:
            for rate in chosen.rates:
                found = measure(plan, hold_ms, rate)
                print(json.dumps(found) if chosen.json else found, flush=True)
    return 0


def fleet(connections: int) -> Fleet:
    """Ten devices behind each connection; nobody asks for their tokens."""
    gateways = (
        Gateway(f"gw-{n:05d}", "none", tuple(f"dev-{n:05d}{d}" for d in range(10)))
        for n in range(connections)
    )
    return Fleet("bench", tuple(gateways), frozenset())


async def serve(hold_s: float) -> None:
    """Prints its port, and answers until it is ended."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Door(hold_s), "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def measure(plan: Path, hold_ms: float, rate: int) -> dict[str, float]:
    """Microseconds of the door's CPU a message. The connecting is measured by itself and taken off."""
    command = [sys.executable, "-m", "bench.floor_door", "--serve", "--hold-ms", str(hold_ms)]
    door = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert door.stdout is not None
    try:
        port = door.stdout.readline().strip()
        messages = rate * SECONDS
        began = cpu_seconds(door.pid)
        _send(plan, port, 0, rate)
        connected = cpu_seconds(door.pid)
        _send(plan, port, messages, rate)
        used = cpu_seconds(door.pid) - connected - (connected - began)
    finally:
        door.terminate()
        door.wait()
    return {"rate": rate, "hold_ms": hold_ms, "cpu_us_per_message": round(used * 1e6 / messages, 1)}


def _send(plan: Path, port: str, messages: int, rate: int) -> None:
    command = [sys.executable, "-m", "bench.load", str(plan), "--port", port, "--readings", str(messages)]
    subprocess.run([*command, "--rate", str(rate), "--json"], stdout=subprocess.DEVNULL, check=True)


if __name__ == "__main__":
    sys.exit(main())
