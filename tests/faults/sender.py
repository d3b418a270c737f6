"""Resending clients with a log of their own, in a process of their own: `python -m tests.faults.sender PLAN.json`.

Written apart from the product's clients on purpose: it shares no line with what it helps to check. MQTT 3.1.1,
QoS 1. Every message is logged before it is published and again when its PUBACK came; what is not acknowledged is sent
again, in order, on the next connection. SIGTERM: nothing new is made, what is open is sent until it is acknowledged.
"""

import asyncio
import contextlib
import json
import math
import random
import signal
import struct
import sys
import time
from collections import OrderedDict, deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

WINDOW = 400
"""Messages in flight per connection."""


@dataclass
class Message:
    """topic and payload as sent; `log` is the line's start, to which `,0` or `,1` is added."""

    topic: str
    payload: bytes
    log: str
    packet_id: int = 0


def value_at(number: int, second: float, seed: int) -> float:
    """A device's temperature: in range, but every eighth device is out for a while in each minute."""
    noise = random.Random(f"{seed}/{number}/{int(second * 10)}").uniform(-0.3, 0.3)
    phase = (second + number * 7) % 60
    out = number % 8 == 0 and 10 <= phase < 32
    return round((11.0 if out else 4.0) + noise + 0.5 * math.sin(second / 9), 3)


class Connection:
    """One gateway's connection; `waiting` are messages not yet sent, `open` those sent and not acknowledged."""

    def __init__(self, plan: dict[str, Any], gateway: dict[str, Any], log: TextIO) -> None:
        self._plan = plan
        self._gateway = gateway
        self._log = log
        self._next_id = 0
        self.waiting: deque[Message] = deque()
        self.open: OrderedDict[int, Message] = OrderedDict()
        self._work = asyncio.Event()
        self.idle = asyncio.Event()

    def add(self, message: Message) -> None:
        self._log.write(f"{message.log},0\n")
        self.waiting.append(message)
        self.idle.clear()
        self._work.set()

    async def run(self) -> None:
        """Connects for ever."""
        while True:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError, ConnectionError):
                await self._talk()
            await asyncio.sleep(0.3)  # no test waits for this: a device's own pause before it connects again

    async def _talk(self) -> None:
        reader, writer = await asyncio.open_connection(self._plan["host"], self._plan["port"])
        try:
            writer.write(_connect(self._gateway["id"], self._gateway["token"]))
            answer = await asyncio.wait_for(reader.readexactly(4), 10)
            if answer[3] != 0:
                raise ConnectionError(f"refused {answer[3]}")
            for packet_id, message in self.open.items():
                writer.write(_publish(message, packet_id, again=True))
            writing = asyncio.create_task(self._write(writer))
            try:
                await self._read(reader)
            finally:
                writing.cancel()
        finally:
            writer.close()

    async def _write(self, writer: asyncio.StreamWriter) -> None:
        while True:
            while self.waiting and len(self.open) < WINDOW:
                message = self.waiting.popleft()
                writer.write(_publish(message, self._take_id(message), again=False))
            await writer.drain()
            self._work.clear()
            if not self.waiting or len(self.open) >= WINDOW:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._work.wait(), 10)
                    continue
                writer.write(b"\xc0\x00")  # nothing to say for long: PINGREQ

    def _take_id(self, message: Message) -> int:
        while True:
            self._next_id = self._next_id % 65535 + 1
            if self._next_id not in self.open:
                self.open[self._next_id] = message
                return self._next_id

    async def _read(self, reader: asyncio.StreamReader) -> None:
        while True:
            kind, length = await asyncio.wait_for(reader.readexactly(2), 30)
            body = await reader.readexactly(length)
            if kind >> 4 == 4:
                message = self.open.pop(struct.unpack(">H", body[:2])[0], None)
                if message is not None:
                    self._log.write(f"{message.log},1\n")
                    self._work.set()
                    if not self.waiting and not self.open:
                        self.idle.set()


def _connect(name: str, token: str) -> bytes:
    body = b"\x00\x04MQTT\x04\xc2" + struct.pack(">H", 60) + _text(name) + _text(name) + _text(token)
    return b"\x10" + _length(len(body)) + body


def _publish(message: Message, packet_id: int, again: bool) -> bytes:
    body = _text(message.topic) + struct.pack(">H", packet_id) + message.payload
    return (b"\x3a" if again else b"\x32") + _length(len(body)) + body


def _text(text: str) -> bytes:
    data = text.encode()
    return struct.pack(">H", len(data)) + data


def _length(number: int) -> bytes:
    out = bytearray()
    while True:
        number, digit = divmod(number, 128)
        out.append(digit | (0x80 if number else 0))
        if not number:
            return bytes(out)


class Feed:
    """Makes messages: a reading per device and interval, and a frame, a result, a bad payload now and then."""

    def __init__(self, plan: dict[str, Any], connections: list[Connection]) -> None:
        self._plan = plan
        self._connections = connections
        self._seq = 0
        self._image = Path(plan["image"]).read_bytes() if plan.get("image") else b""

    async def run(self, stop: asyncio.Event) -> None:
        interval = self._plan["interval_s"]
        while not stop.is_set():
            self._seq += 1
            for connection, gateway in zip(self._connections, self._plan["gateways"], strict=True):
                self._round(connection, gateway)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), interval)

    def _round(self, connection: Connection, gateway: dict[str, Any]) -> None:
        for number, device in gateway["devices"]:
            at_ms = time.time_ns() // 1_000_000
            value = value_at(number, at_ms / 1000, self._plan["seed"])
            payload = json.dumps({"at": at_ms, "seq": self._seq, "values": {"temperature": value}})
            log = f"{device},temperature,{at_ms * 1000},{self._seq},{value!r}"
            connection.add(Message(self._topic(device, "telemetry"), payload.encode(), log))
        for camera in gateway.get("cameras", []):
            at_ms = time.time_ns() // 1_000_000
            topic = self._topic(camera, f"frame/{at_ms}/{self._seq}")
            connection.add(Message(topic, self._image, f"{camera},frame,{at_ms * 1000},{self._seq},0"))
        for instrument in gateway.get("instruments", []):
            at_ms = time.time_ns() // 1_000_000
            result = {
                "number": str(self._seq),
                "at": at_ms,
                "sample": "菠菜",
                "item": "农药残留",
                "verdict": "合格",
            }
            log = f"{instrument},result,{at_ms * 1000},{self._seq},0"
            connection.add(Message(self._topic(instrument, "result"), json.dumps(result).encode(), log))
        if gateway.get("bad") and self._seq % 5 == 0:
            device = gateway["devices"][0][1]
            payload = b'{"at": "no", "marker": %d' % self._seq
            connection.add(
                Message(self._topic(device, "telemetry"), payload, f"{device},bad,0,{self._seq},0")
            )

    def _topic(self, device: str, channel: str) -> str:
        return f"cw/v1/{self._plan['enterprise']}/{device}/{channel}"


async def main(plan: dict[str, Any]) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    with open(plan["log"], "a", buffering=1, encoding="ascii") as log:  # noqa: ASYNC230 - a local file, line by line
        connections = [Connection(plan, gateway, log) for gateway in plan["gateways"]]
        tasks = [asyncio.create_task(connection.run()) for connection in connections]
        await Feed(plan, connections).run(stop)
        await asyncio.gather(*(connection.idle.wait() for connection in connections))
        for task in tasks:
            task.cancel()


if __name__ == "__main__":
    asyncio.run(main(json.loads(Path(sys.argv[1]).read_text())))
