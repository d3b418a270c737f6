"""The gateway's promises with a producer that confirms when it is told to: no socket, no clock, no Kafka."""

import asyncio
import json
import time
from collections.abc import AsyncIterator

import msgspec
import pytest

from ingest.registry import Changes
from ingest.registry_cache import token_sha256
from schemas.reading import CLOCK, decode_lines
from schemas.topics import partition_of
from tests.front_door import House, settle
from tests.mqtt_client import connect, publish, subscribe


@pytest.fixture
async def house() -> AsyncIterator[House]:
    built = House()
    yield built
    built.gateway.delivery.close()
    await settle()


def reading(device: str, mid: int, seq: int = 1, version: int = 4) -> bytes:
    payload = json.dumps({"at": time.time_ns() // 1_000_000, "seq": seq, "values": {"temperature": 4.5}})
    return publish(version, f"cw/v1/e/{device}/telemetry", payload.encode(), mid)


def acks(*mids: int) -> bytes:
    return b"".join(b"\x40\x02" + mid.to_bytes(2, "big") for mid in mids)


async def test_nothing_is_acknowledged_before_kafka_has_confirmed(house: House) -> None:
    connection, transport = await house.sign_in("solo")
    connection.data_received(reading("solo", 1))
    await settle()
    assert transport.take() == b""
    house.producer.confirm()
    await settle()
    assert transport.take() == acks(1)


async def test_acknowledgements_keep_the_order_of_arrival_whatever_is_confirmed_first(house: House) -> None:
    connection, transport = await house.sign_in("hub")
    first, second = (
        "c0",
        next(f"c{n}" for n in range(1, 8) if partition_of(f"c{n}", 8) != partition_of("c0", 8)),
    )
    connection.data_received(reading(first, 1))
    connection.data_received(reading(second, 2))
    await settle()
    house.producer.confirm(partition_of(second, 8))
    await settle()
    assert transport.take() == b""
    house.producer.confirm(partition_of(first, 8))
    await settle()
    assert transport.take() == acks(1, 2)


async def test_what_came_together_waits_for_all_its_partitions(house: House) -> None:
    connection, transport = await house.sign_in("hub")
    connection.data_received(b"".join(reading(f"c{number}", number + 1) for number in range(8)))
    await settle()
    partitions = {partition for partition, _ in house.packs()}
    assert partitions == {partition_of(f"c{number}", 8) for number in range(8)}
    for partition in sorted(partitions):
        assert transport.take() == b""
        house.producer.confirm(partition)
        await settle()
    assert transport.take() == acks(*range(1, 9))


async def test_a_pack_gathers_what_comes_while_the_one_before_is_under_way(house: House) -> None:
    connection, _ = await house.sign_in("solo")
    for seq in range(1, 6):
        connection.data_received(reading("solo", seq, seq))
        await settle()
    assert [len(decode_lines(value)) for _, value in house.packs()] == [1]
    house.producer.confirm()
    await settle()
    assert [len(decode_lines(value)) for _, value in house.packs()] == [4]


async def test_a_refused_message_waits_for_its_record_and_its_line(house: House) -> None:
    connection, transport = await house.sign_in("solo", 5)
    connection.data_received(publish(5, "cw/v1/e/solo/telemetry", b"nonsense", 1))
    await settle()
    assert sorted(sent.topic for sent in house.producer.under_way) == ["readings", "rejections"]
    house.producer.confirm(house.producer.under_way[0].partition)
    await settle()
    house.producer.confirm()
    await settle()
    assert transport.take() == b"\x40\x03\x00\x01\x99"


async def test_a_notice_goes_to_who_listens_and_not_to_who_does_not_read(house: House) -> None:
    connection, transport = await house.sign_in("hub")
    connection.data_received(subscribe(4, 1, ["cw/v1/e/c0/errors"]))
    transport.take()
    connection.data_received(publish(4, "cw/v1/e/c0/telemetry", b"nonsense", 2))
    said = transport.take()
    assert said[0] == 0x30
    assert json.loads(said[said.index(b"{") :])["code"] == "bad_json"
    transport.backlog = 1_000_000
    connection.data_received(publish(4, "cw/v1/e/c0/telemetry", b"nonsense", 3))
    assert transport.take() == b""


async def test_a_notice_about_an_endless_topic_is_short(house: House) -> None:
    connection, transport = await house.sign_in("solo")
    connection.data_received(subscribe(4, 1, ["cw/v1/e/solo/errors"]))
    transport.take()
    connection.data_received(publish(4, "t" * 60_000, b"x", 2))
    assert len(transport.take()) < 2_000


async def test_at_the_bound_nobody_is_read_and_below_it_all_are(house: House) -> None:
    small = House(max_buffered_bytes=20_000)
    (busy, busy_side), (_, other_side) = await small.sign_in("hub"), await small.sign_in("solo")
    mid = 0
    while busy_side.reading:
        mid += 1
        busy.data_received(reading("c0", mid))
    assert not other_side.reading
    assert small.gateway.gauges()["buffered_bytes"] < 20_000 + 1000
    await settle()
    while small.producer.under_way:
        small.producer.confirm()
        await settle()
    assert busy_side.reading
    assert other_side.reading
    assert busy_side.take() == acks(*range(1, mid + 1))
    assert small.gateway.gauges()["buffered_bytes"] == 0
    small.gateway.delivery.close()


async def test_the_keep_alive_is_suspended_while_a_connection_is_not_read(house: House) -> None:
    small = House(max_buffered_bytes=1)
    connection, transport = await small.sign_in("solo")
    connection.data_received(reading("solo", 1))
    await settle()
    small.now_s += 10_000
    small.gateway._sweep(small.now_s)
    assert not transport.closed
    small.producer.confirm()
    await settle()
    small.now_s += 89
    small.gateway._sweep(small.now_s)
    assert not transport.closed
    small.now_s += 2
    small.gateway._sweep(small.now_s)
    assert transport.closed
    small.gateway.delivery.close()


async def test_unfinished_packets_that_fill_the_bound_cost_the_largest_its_connection() -> None:
    small = House(max_buffered_bytes=5000)
    (large, large_side), (_, other_side) = await small.sign_in("hub"), await small.sign_in("solo")
    large.data_received(publish(4, "cw/v1/e/c0/telemetry", b"x" * 9000, 1)[:6000])
    assert not other_side.reading
    small.gateway._relieve()
    assert large_side.closed
    large.connection_lost(None)
    small.gateway._relieve()
    assert other_side.reading
    assert small.gateway.gauges()["buffered_bytes"] == 0
    small.gateway.delivery.close()


def clocks(house: House) -> list[int]:
    """Clock lines under way and confirmed, by partition."""
    counts = [0] * 8
    for sent in [*house.producer.log, *house.producer.under_way]:
        counts[sent.partition] += sum(line.n == CLOCK for line in decode_lines(sent.rows[0][1]))
    return counts


async def test_a_clock_line_goes_into_every_partition_behind_what_waits(house: House) -> None:
    connection, _ = await house.sign_in("solo")
    connection.data_received(reading("solo", 1))
    house.gateway._write_clocks(123)
    await settle()
    assert clocks(house) == [1] * 8
    value = dict(house.packs())[partition_of("solo", 8)]
    assert [line.n for line in decode_lines(value)] == ["", CLOCK]


async def test_no_more_than_two_clock_lines_go_out_while_none_is_confirmed(house: House) -> None:
    for now_us in range(5):
        house.gateway._write_clocks(now_us)
        await settle()
    assert clocks(house) == [1] * 8  # the second one waits behind it, and no third
    while house.producer.under_way:
        house.producer.confirm()
        await settle()
    assert clocks(house) == [2] * 8
    house.gateway._write_clocks(6)
    await settle()
    assert clocks(house) == [3] * 8


async def test_no_clock_line_goes_out_while_nobody_has_been_read_for_a_while() -> None:
    small = House(max_buffered_bytes=1)
    connection, _ = await small.sign_in("solo")
    connection.data_received(reading("solo", 1))
    small.now_s += 2
    small.gateway._write_clocks(1)
    await settle()
    assert clocks(small) == [0] * 8
    small.gateway.delivery.close()


async def test_an_unknown_device_is_looked_up_once_more_before_it_is_refused(house: House) -> None:
    async def look_up() -> bool:
        house.cache.apply(Changes(2, (house.device("new"),)))
        return True

    house.gateway.signing_in.look_up = look_up
    connection, transport = house.join()
    connection.data_received(connect(4, "new", "token") + reading("new", 1))
    assert not transport.reading
    await settle()
    assert transport.take() == b"\x20\x02\x00\x00"
    assert len(house.producer.under_way) == 1


@pytest.mark.parametrize(("known", "code"), [(True, 4), (False, 3)])
async def test_who_cannot_be_decided_on_hears_unavailable_not_unauthorised(
    house: House, known: bool, code: int
) -> None:
    async def look_up() -> bool:
        return known

    house.gateway.signing_in.look_up = look_up
    house.gateway.signing_in.known = lambda: known
    connection, transport = house.join()
    connection.data_received(connect(4, "nobody", "token"))
    await settle()
    assert transport.take() == bytes((0x20, 2, 0, code))
    assert transport.closed


async def test_a_question_that_was_not_answered_decides_nothing(house: House) -> None:
    async def look_up() -> bool:
        return False

    house.gateway.signing_in.look_up = look_up
    for name in ("nobody", "solo"):
        connection, transport = house.join()
        connection.data_received(connect(4, name, "wrong"))
        await settle()
        assert transport.take() == b"\x20\x02\x00\x03"


async def test_a_token_replaced_a_moment_ago_signs_in(house: House) -> None:
    async def look_up() -> bool:
        house.cache.apply(
            Changes(2, (msgspec.structs.replace(house.device("solo"), token_sha256=token_sha256("new")),))
        )
        return True

    house.gateway.signing_in.look_up = look_up
    connection, transport = house.join()
    connection.data_received(connect(4, "solo", "new"))
    await settle()
    assert transport.take() == b"\x20\x02\x00\x00"


async def test_a_stranger_cannot_make_us_keep_what_it_sends_ahead(house: House) -> None:
    async def look_up() -> bool:
        await asyncio.sleep(0)
        return True

    house.gateway.signing_in.look_up = look_up
    connection, transport = house.join()
    connection.data_received(connect(5, "nobody", "token") + b"\x32" * 100_000)
    assert transport.take()[3] == 0x97
    assert transport.closed
    assert connection._parser.buffered == 0
    await settle()


async def test_what_a_known_device_sends_ahead_of_the_answer_is_taken(house: House) -> None:
    connection, transport = house.join()
    connection.data_received(
        connect(4, "solo", "token") + b"".join(reading("solo", n) for n in range(1, 500))
    )
    for _ in range(4):  # so many in a turn
        await settle()
        house.producer.confirm()
    await settle()
    assert transport.take() == b"\x20\x02\x00\x00" + acks(*range(1, 500))


async def test_more_connections_than_allowed_hear_busy(house: House) -> None:
    small = House(max_connections=1)
    await small.sign_in("solo")
    connection, transport = small.join()
    connection.data_received(connect(5, "hub", "token"))
    assert transport.take()[3] == 0x89


async def test_a_connection_that_was_taken_over_loses_its_acknowledgements_and_nothing_else(
    house: House,
) -> None:
    first, first_side = await house.sign_in("solo")
    first.data_received(reading("solo", 1))
    await settle()
    second, second_side = await house.sign_in("solo")
    assert first_side.closed
    first.connection_lost(None)
    house.producer.confirm()
    await settle()
    assert first_side.take() == b""
    second.data_received(reading("solo", 1))
    await settle()
    house.producer.confirm()
    await settle()
    assert second_side.take() == acks(1)
    assert house.gateway.gauges() | {"oldest_pack_seconds": 0.0} == {
        "connections": 1.0,
        "signed_in": 1.0,
        "buffered_bytes": 0.0,
        "reading_stopped": 0.0,
        "oldest_pack_seconds": 0.0,
    }


async def test_a_slow_reader_is_not_read_until_it_reads_and_cut_when_it_never_does(house: House) -> None:
    connection, transport = await house.sign_in("solo")
    connection.pause_writing()
    assert not transport.reading
    connection.resume_writing()
    assert transport.reading
    connection.pause_writing()
    house.now_s += 61
    house.gateway._sweep(house.now_s)
    assert transport.closed


async def test_an_image_is_stored_before_its_reference_is_sent() -> None:
    house = House()
    house.cache.apply(Changes(2, (house.device("cam", "camera"),)))
    connection, transport = await house.sign_in("cam")
    jpeg = (
        bytes.fromhex("ffd8ffe000104a46494600010100000100010000ffc0000b080010002001011100") + b"\xff\xda\x00"
    )
    connection.data_received(publish(4, f"cw/v1/e/cam/frame/{time.time_ns() // 1_000_000}/1", jpeg, 1))
    for _ in range(500):
        if len(house.producer.under_way) > 1:
            break
        await asyncio.sleep(0.01)
    heard, sent = house.producer.under_way
    assert (heard.topic, sent.topic, transport.take()) == ("readings", "frames", b"")
    assert json.loads(heard.rows[0][1])["n"] == "sound"
    assert house.evidence.get(json.loads(sent.rows[0][1])["sha256"]) == jpeg
    house.producer.confirm()
    await settle()
    assert transport.take() == acks(1)
    house.gateway.delivery.close()


async def test_the_end_waits_for_what_is_under_way_and_acknowledges_it(house: House) -> None:
    connection, transport = await house.sign_in("solo", 5)
    connection.data_received(reading("solo", 1, version=5))
    stopping = asyncio.create_task(house.gateway.stop(limit_s=30))
    await settle()
    assert transport.take() == b""
    house.producer.confirm()
    await settle()
    said = transport.take()
    assert (said[:4], said[4], said[6]) == (acks(1), 0xE0, 0x8B)
    connection.connection_lost(None)
    await stopping
