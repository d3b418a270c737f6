"""Any bytes: 10,000 random and mutated streams against the port, 10,000 random payloads (fewer in `make test`).

The oracle for payloads is what the pure admission says of the same bytes at the same time; each one that was
acknowledged must be found in exactly the places it names.
"""

import contextlib
import json
import random
import socket
import struct
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime

import psycopg2
import pytest

from tests import mqtt_client
from tests.faults.conftest import Target
from tests.length import LONG
from tests.waiting import until

SEED = 4711
STREAMS = 10_000 if LONG else 1_000
PAYLOADS = 10_000 if LONG else 2_000
DEVICE = "fuzz-1"
TOPIC = f"cw/v1/target/{DEVICE}/telemetry"


@pytest.fixture(scope="module")
def token(target: Target) -> str:
    return target.enrol(DEVICE)


def talk(address: tuple[str, int], data: bytes) -> None:
    """Sends bytes and hangs up; being cut off in the middle is one of the right answers."""
    with contextlib.suppress(OSError), socket.create_connection(address, timeout=10) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        connection.settimeout(0.01)
        with contextlib.suppress(TimeoutError):
            connection.recv(4096)


def streams(token: str) -> Iterator[bytes]:
    """Half of them noise, half of them a sound conversation with some bytes changed, cut out or repeated."""
    chance = random.Random(SEED)
    sound = mqtt_client.connect(4, DEVICE, token) + mqtt_client.publish(4, TOPIC, reading(1_000), 1)
    sound5 = mqtt_client.connect(5, DEVICE, token) + mqtt_client.publish(5, TOPIC, reading(1_000), 1)
    for number in range(STREAMS):
        if number % 2:
            yield chance.randbytes(chance.randrange(1, 200))
            continue
        data = bytearray(chance.choice((sound, sound5)))
        for _ in range(chance.randrange(1, 5)):
            place = chance.randrange(len(data))
            match chance.randrange(3):
                case 0:
                    data[place] = chance.randrange(256)
                case 1:
                    del data[place : place + chance.randrange(1, 8)]
                case _:
                    data[place:place] = data[place : place + 16]
            data = data or bytearray(b"\0")
        yield bytes(data)


def reading(seq: int) -> bytes:
    return json.dumps(
        {"at": time.time_ns() // 1_000_000, "seq": seq, "values": {"temperature": 4.5}}
    ).encode()


def payloads() -> Iterator[bytes]:
    """Noise, broken JSON, wrong shapes, impossible values, sound readings; each distinct."""
    chance = random.Random(SEED + 1)
    odd = ["4.1", None, [], {}, 1e400, -500.0, 85.0, True, "冷", 10**400, 4.1, 7.9]
    for number in range(PAYLOADS):
        text = json.loads(reading(number + 10_000))
        match chance.randrange(5):
            case 0:
                yield chance.randbytes(chance.randrange(0, 120)) + b"%d" % number
            case 1:
                yield json.dumps(text).encode()[: chance.randrange(1, 60)] + b"%d" % number
            case 2:
                text[chance.choice(("at", "seq", "values"))] = chance.choice(odd)
                yield json.dumps(text).encode()
            case 3:
                text["values"] = {"temperature": chance.choice(odd), "humidity": chance.choice(odd)}
                yield json.dumps(text).encode()
            case _:
                yield json.dumps(text).encode()


def test_no_byte_stream_stops_the_gateway(target: Target, token: str) -> None:
    before = target.stack.services["gateway"].pid
    for data in streams(token):
        talk(target.address, data)
    assert publish_all(target, token, [reading(5)]) == 1
    assert target.stack.services["gateway"].pid == before


def publish_all(target: Target, token: str, sent: list[bytes]) -> int:
    """Publishes each payload at QoS 1 over one connection; returns how many were acknowledged."""
    acked = 0
    with socket.create_connection(target.address, timeout=30) as connection:
        connection.sendall(mqtt_client.connect(4, DEVICE, token))
        assert read_exactly(connection, 4)[3] == 0
        for start in range(0, len(sent), 100):
            part = sent[start : start + 100]
            connection.sendall(
                b"".join(mqtt_client.publish(4, TOPIC, payload, i + 1) for i, payload in enumerate(part))
            )
            for number in range(len(part)):
                packet = read_exactly(connection, 4)
                assert packet[0] == 0x40
                assert struct.unpack(">H", packet[2:])[0] == number + 1
                acked += 1
    return acked


def read_exactly(connection: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        part = connection.recv(size - len(data))
        assert part, "the gateway hung up"
        data += part
    return data


def test_every_payload_is_acknowledged_and_ends_in_exactly_one_place(target: Target, token: str) -> None:
    until(lambda: target.books().in_flight == 0, 30)
    before, began = target.books(), datetime.now(UTC)
    sent = list(payloads())
    assert publish_all(target, token, sent) == len(sent)
    until(lambda: target.books().in_flight == 0, 60, 0.5)
    after = target.books()
    assert after.balanced, after
    assert after.accepted - before.accepted >= len(sent)
    missing, folded = unaccounted(target, sent, began)
    assert len(missing) == folded


def unaccounted(target: Target, sent: list[bytes], began: datetime) -> tuple[list[bytes], int]:
    """Payloads that are neither refused (raw bytes kept) nor stored as a reading; and how many refusals were folded
    into others, whose bytes alone are kept.
    """
    connection = psycopg2.connect(target.reader_url)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(
                "select raw, case when disposition = 'dead_lettered' then count - 1 else 0 end from rejection"
                " where device = %s and received_at >= %s",
                (DEVICE, began),
            )
            rows = cursor.fetchall()
            refused = Counter(bytes(raw) for raw, _ in rows if raw is not None)
            cursor.execute("select seq from v_reading where device = %s", (DEVICE,))
            stored = {seq for (seq,) in cursor.fetchall()}
    finally:
        connection.close()
    missing = []
    for payload in sent:  # two may be alike, cut at one place or another
        if refused[payload]:
            refused[payload] -= 1
        elif seq_of(payload) not in stored:
            missing.append(payload)
    return missing, sum(folded for _, folded in rows)


def seq_of(payload: bytes) -> int:
    try:
        seq = json.loads(payload).get("seq")
    except (ValueError, AttributeError):
        return -1
    return seq if type(seq) is int else -1
