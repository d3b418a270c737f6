"""Each message has a received time of its own: a frame or a result without a time takes its identity from it."""

import asyncio
import json
import time

from ingest.registry import Changes
from tests.front_door import House, settle
from tests.mqtt_client import publish

JPEG = bytes.fromhex("ffd8ffe000104a46494600010100000100010000ffc0000b080010002001011100") + b"\xff\xda\x00"


async def frames_of(house: House, chunks: list[bytes]) -> list[tuple[int, int]]:
    """Identity of each frame that reaches Kafka."""
    connection, _ = await house.sign_in("cam")
    for chunk in chunks:
        connection.data_received(chunk)
    found: list[tuple[int, int]] = []
    for _ in range(500):
        for sent in list(house.producer.under_way):
            if sent.topic == "frames":
                found += [
                    (row["at_us"], row["seq"]) for row in (json.loads(value) for _, value, _ in sent.rows)
                ]
        house.producer.confirm()
        await settle()
        await asyncio.sleep(0.002)
        if not house.producer.under_way and not house.gateway.delivery._tasks:
            break
    house.gateway.delivery.close()
    return found


def camera() -> House:
    house = House()
    house.cache.apply(Changes(2, (house.device("cam", "camera"),)))
    return house


async def test_two_frames_without_identity_in_one_write_are_two() -> None:
    chunk = b"".join(publish(4, "cw/v1/e/cam/frame", JPEG, mid) for mid in (1, 2))
    assert len(set(await frames_of(camera(), [chunk]))) == 2


async def test_six_in_one_write_and_six_in_writes_of_their_own_are_twelve() -> None:
    frames = [publish(4, "cw/v1/e/cam/frame", JPEG, mid) for mid in range(1, 13)]
    found = await frames_of(camera(), [b"".join(frames[:6]), *frames[6:]])
    assert len(set(found)) == len(found) == 12


async def test_frames_at_qos_0_and_1_in_one_write_are_two() -> None:
    chunk = publish(4, "cw/v1/e/cam/frame", JPEG, 0) + publish(4, "cw/v1/e/cam/frame", JPEG, 1)
    assert len(set(await frames_of(camera(), [chunk]))) == 2


def test_no_received_time_is_given_twice() -> None:
    gateway = camera().gateway
    firsts = [gateway.next_us(3) for _ in range(1000)]
    given = [first + n for first in firsts for n in (1, 2, 3)]
    assert given == sorted(set(given))


def test_a_clock_that_was_set_back_is_followed() -> None:
    gateway = camera().gateway
    gateway._given_us = time.time_ns() // 1000 + 3_600_000_000
    assert gateway.next_us(1) < time.time_ns() // 1000 + 1
