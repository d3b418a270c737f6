"""One bad packet costs its neighbours nothing: what is owed is sent, what can never be taken is read away."""

import hashlib
import json
import time

import pytest

from ingest.mqtt.packets import SKIP_BYTES
from ingest.mqtt.server import stranger
from ingest.mqtt.session import HEAD_BYTES
from tests.front_door import FakeTransport, House, settle
from tests.mqtt_client import packet, publish

LARGE = b"x" * (256 * 1024 + HEAD_BYTES)


def reading(mid: int, qos: int = 1, version: int = 4, device: str = "solo") -> bytes:
    body = b'{"at": %d, "seq": %d, "values": {"temperature": 4.5}}' % (time.time() * 1000, mid)
    sent = publish(version, f"cw/v1/e/{device}/telemetry", body, mid)
    return bytes((0x34,)) + sent[1:] if qos == 2 else sent


def acks(first: int, *mids: int) -> bytes:
    return b"".join(bytes((first, 2)) + mid.to_bytes(2, "big") for mid in mids)


async def confirmed(house: House, transport: FakeTransport) -> bytes:
    """What the client reads once Kafka has confirmed all there is."""
    for _ in range(5):
        await settle()
        house.producer.confirm()
    await settle()
    return transport.take()


def rejections(house: House) -> list[tuple[str, str, bytes]]:
    """Code, device and raw bytes of what went to topic `rejections`."""
    found = []
    for sent in house.producer.under_way:
        if sent.topic == "rejections":
            for _, value, headers in sent.rows:
                said = json.loads(dict(headers)["rejection"])
                found.append((said["code"], said["device"], value))
    return found


async def test_three_readings_one_too_large_and_three_more_are_all_answered() -> None:
    house = House()
    connection, transport = await house.sign_in("solo")
    over = publish(4, "cw/v1/e/solo/telemetry", LARGE, 4)
    connection.data_received(b"".join(map(reading, (1, 2, 3))) + over + b"".join(map(reading, (5, 6, 7))))
    await settle()
    assert [(code, device) for code, device, _ in rejections(house)] == [("too_large", "solo")]
    assert await confirmed(house, transport) == acks(0x40, 1, 2, 3, 4, 5, 6, 7)
    assert not transport.closed


async def test_what_is_too_large_is_kept_by_its_head_and_hash() -> None:
    house = House()
    connection, _ = await house.sign_in("hub", 5)
    for at in range(0, len(data := publish(5, "cw/v1/e/c1/telemetry", LARGE, 4)), 10_000):
        connection.data_received(data[at : at + 10_000])
    await settle()
    ((code, device, raw),) = rejections(house)
    assert (code, device, raw) == ("too_large", "c1", b"\0" + LARGE[:4095])
    (record,) = [sent for sent in house.producer.under_way if sent.topic == "rejections"]
    said = json.loads(dict(record.rows[0][2])["rejection"])
    assert hashlib.sha256(b"\0" + LARGE).hexdigest() in said["detail"]
    assert f"> {256 * 1024} byte" in said["detail"]
    assert said["publisher"] == "hub"


@pytest.mark.parametrize("version", [4, 5])
async def test_a_broken_stream_is_cut_after_what_is_owed_has_been_sent(version: int) -> None:
    house = House()
    connection, transport = await house.sign_in("solo", version)
    connection.data_received(reading(1, version=version) + reading(2, version=version))
    connection.data_received(reading(3, version=version) + b"\x00\x00" + reading(4, version=version))
    await settle()
    assert not transport.closed
    answer = await confirmed(house, transport)
    assert answer.startswith(acks(0x40, 1, 2, 3))
    assert (answer[12:13] == b"\xe0") == (version == 5)
    assert transport.closed


async def test_a_packet_beyond_all_bounds_is_cut_after_what_is_owed() -> None:
    house = House()
    connection, transport = await house.sign_in("solo")
    head = publish(4, "cw/v1/e/solo/telemetry", b"", 9)[2:]
    size = SKIP_BYTES + 1
    length = bytes((size & 127 | 128, size >> 7 & 127 | 128, size >> 14 & 127 | 128, size >> 21))
    connection.data_received(reading(1) + b"\x32" + length + head)
    assert await confirmed(house, transport) == acks(0x40, 1)
    assert transport.closed


async def test_a_broken_connection_does_not_wait_for_ever_for_what_it_is_owed() -> None:
    house = House()
    connection, transport = await house.sign_in("solo")
    connection.data_received(reading(1) + b"\x00\x00")
    await settle()
    house.gateway._sweep(house.now_s + 59)
    assert not transport.closed
    house.gateway._sweep(house.now_s + 61)
    assert transport.closed


async def test_a_message_at_qos_2_is_received_once_confirmed_and_released() -> None:
    house = House()
    connection, transport = await house.sign_in("solo")
    connection.data_received(reading(1, qos=2))
    await settle()
    assert transport.take() == b""
    assert await confirmed(house, transport) == acks(0x50, 1)
    connection.data_received(packet(0x62, b"\0\x01"))
    assert transport.take() == acks(0x70, 1)


async def test_a_message_at_qos_2_that_is_sent_again_is_taken_once() -> None:
    house = House()
    connection, transport = await house.sign_in("solo")
    connection.data_received(reading(1, qos=2))
    assert await confirmed(house, transport) == acks(0x50, 1)
    connection.data_received(reading(1, qos=2))
    await settle()
    assert house.packs() == []
    assert await confirmed(house, transport) == acks(0x50, 1)
    connection.data_received(packet(0x62, b"\0\x01") + reading(1, qos=2))
    await settle()
    assert len(house.packs()) == 1


async def test_what_is_refused_at_qos_2_ends_its_exchange() -> None:
    house = House()
    connection, transport = await house.sign_in("solo", 5)
    sent = publish(5, "cw/v1/e/solo/telemetry", b"no JSON", 1)
    connection.data_received(b"\x34" + sent[1:])
    assert await confirmed(house, transport) == b"\x50\x03\x00\x01\x99"
    connection.data_received(reading(1, qos=2, version=5))
    await settle()
    assert len(house.packs()) == 1


async def test_qos_0_1_and_2_in_one_piece_are_each_answered_in_their_way() -> None:
    house = House()
    connection, transport = await house.sign_in("solo")
    connection.data_received(reading(0) + reading(1) + reading(2, qos=2) + reading(3))
    assert await confirmed(house, transport) == acks(0x40, 1) + acks(0x50, 2) + acks(0x40, 3)


async def test_small_pieces_of_a_large_packet_are_signs_of_life() -> None:
    house = House()
    connection, transport = await house.sign_in("solo")
    data = publish(4, "cw/v1/e/solo/telemetry", b" " * 200_000, 1)
    deadline_s = connection.deadline_s()
    assert deadline_s is not None
    for at in range(0, 150_000, 500):
        house.now_s += 0.4
        connection.data_received(data[at : at + 500])
        house.gateway._sweep(house.now_s)
    assert house.now_s > deadline_s
    assert not transport.closed


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("8fK2-secret-token-of-a-live-device", "8fK2… (34, #"),
        ("room-l", "ro… (6, #"),
        ("ab", "… (2, #"),
        ("", ""),
    ],
)
def test_a_name_that_nobody_has_is_kept_as_what_tells_it_again(name: str, kept: str) -> None:
    assert stranger(name).startswith(kept)
    assert name not in stranger(name) or not name
    assert stranger(name) == stranger(name)


async def test_a_token_in_the_place_of_the_name_stands_nowhere_in_clear() -> None:
    from tests.mqtt_client import connect

    house = House()
    connection, _ = house.join()
    connection.data_received(connect(4, "a-live-token-that-must-not-be-seen", "solo"))
    await settle()
    assert not [key for key in house.refusals.take() if "must-not-be-seen" in " ".join(map(str, key))]


async def test_a_signed_in_device_whose_stream_was_cut_is_told_like_of_any_refusal() -> None:
    house = House()
    connection, _ = await house.sign_in("solo", 5)
    connection.data_received(publish(5, "cw/v1/e/solo/telemetry", b"x", 1, properties=b"\x23\x00\x01"))
    await settle()
    assert [(code, device) for code, device, _ in rejections(house)] == [("bad_packet", "solo")]
    lines = [line for _, text in house.packs() for line in text.decode().splitlines()]
    assert any('"n":"refused:bad_packet"' in line and '"d":"solo"' in line for line in lines)


async def test_a_keep_alive_that_ran_out_is_told_once_a_minute() -> None:
    house = House()
    for _ in range(3):
        await house.sign_in("solo")
        house.now_s += 11 * 90
        house.gateway._sweep(house.now_s)
        house.now_s -= 11 * 90 - 1
    await settle()
    assert [code for code, _, _ in rejections(house)] == ["keep_alive"]
    assert house.packs() == [], "who was cut for saying nothing was not heard"


async def test_who_has_not_signed_in_makes_no_rejection() -> None:
    house = House()
    connection, _ = house.join()
    connection.data_received(b"GET / HTTP/1.1\r\n\r\n")
    await settle()
    assert rejections(house) == []
