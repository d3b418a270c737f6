"""Who sends much at once takes turns with the others, loses nothing, and is answered in order."""

import json
import time

from ingest.folded import FEW
from ingest.mqtt.connection import QUANTUM
from tests.front_door import House, settle
from tests.mqtt_client import publish

MANY = 5 * QUANTUM + 3


def telemetry(device: str, mid: int, seq: int) -> bytes:
    body = b'{"at": %d, "seq": %d, "values": {"temperature": 4.5}}' % (time.time() * 1000, seq)
    return publish(4, f"cw/v1/e/{device}/telemetry", body, mid)


async def everything(house: House) -> None:
    for _ in range(60):
        await settle()
        house.producer.confirm()
    await settle()


async def test_another_device_is_taken_before_the_flood_is_through() -> None:
    house = House()
    noisy, _ = await house.sign_in("c1")
    quiet, quiet_side = await house.sign_in("solo")
    noisy.data_received(b"".join(telemetry("c1", n + 1, n) for n in range(MANY)))
    assert not noisy.reading
    quiet.data_received(telemetry("solo", 1, 1))
    await everything(house)
    assert quiet_side.take() == b"\x40\x02\x00\x01"
    assert noisy.reading


async def test_all_of_a_flood_is_taken_and_acknowledged_in_order() -> None:
    house = House()
    noisy, side = await house.sign_in("c1")
    noisy.data_received(b"".join(telemetry("c1", n + 1, n) for n in range(MANY)))
    await everything(house)
    assert side.take() == b"".join(b"\x40\x02" + (n + 1).to_bytes(2, "big") for n in range(MANY))


async def test_a_break_behind_a_flood_waits_for_its_turn() -> None:
    house = House()
    noisy, side = await house.sign_in("c1")
    noisy.data_received(b"".join(telemetry("c1", n + 1, n) for n in range(MANY)) + b"\x00\x00")
    assert not side.closed
    await everything(house)
    assert len(side.take()) == 4 * MANY
    assert side.closed


async def test_a_flood_of_nonsense_is_folded_and_every_message_of_it_is_acknowledged_and_counted() -> None:
    house = House()
    noisy, side = await house.sign_in("c1")
    sent: list[tuple[int, int]] = []
    noisy.data_received(b"".join(publish(4, "cw/v1/e/c1/telemetry", b"x", n + 1) for n in range(MANY)))
    for _ in range(60):
        await settle()
        for record in list(house.producer.under_way):
            if record.topic == "rejections":
                counts = [
                    json.loads(dict(headers)["rejection"])["count"]
                    if b'"count"' in dict(headers)["rejection"]
                    else 1
                    for _, _, headers in record.rows
                ]
                sent.append((len(counts), sum(counts)))
        house.producer.confirm()
    await settle()
    assert sum(count for _, count in sent) == MANY
    assert sum(records for records, _ in sent) <= FEW + 10
    assert len(side.take()) == 4 * MANY
