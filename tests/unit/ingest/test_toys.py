"""A codec and a device kind registered from here alone: enrolled, signed in, understood, packed, refused, explained."""

import time
from typing import Any

import pytest
from msgspec.structs import replace

from ingest.codecs import CODECS, Codec, Refusal
from ingest.codecs._shapes import Sample
from ingest.kinds import KINDS, Kind, Metric
from ingest.onboarding import Enrolment
from ingest.registry import Changes, Enrolled
from ingest.registry_memory import MemoryRegistry
from ingest.routing import Tables
from schemas.device_topics import TELEMETRY
from schemas.reading import decode_lines
from schemas.topics import READINGS
from tests.front_door import House, settle
from tests.mqtt_client import connect, publish

CONTENT_TYPE = "text/x-toy"


def decode(payload: bytes, received_us: int) -> list[Sample] | Refusal:
    """`weight=4.5`, measured when it is received."""
    name, _, number = payload.decode("ascii", "replace").partition("=")
    try:
        return [Sample(received_us, 0, {name: float(number)}, "$")]
    except ValueError:
        return Refusal("not_a_number", f"$.{name}", number)


TOY_CODEC = Codec(name="toy", channel=TELEMETRY, content_types=frozenset({CONTENT_TYPE}), decode=decode)
TOY_SCALE = Kind(
    name="toy_scale",
    zh="玩具秤",
    en="toy scale",
    metrics=(Metric(name="weight", unit="kg", possible_low=0.0, possible_high=10.0),),
    channels=(TELEMETRY,),
    profile="toys",
    interval_us=60_000_000,
)
TOYS = Tables({**KINDS, TOY_SCALE.name: TOY_SCALE}, {**CODECS, TOY_CODEC.name: TOY_CODEC})


class Scale:
    """One toy scale, enrolled and signed in at a front door that knows the toys."""

    def __init__(self) -> None:
        registry = MemoryRegistry({"toys": frozenset({"weight"})}, TOYS.kinds)
        wish = Enrolment(id="scale-1", kind=TOY_SCALE.name, enterprise="e", site="s")
        enrolled = registry.enrol(wish)
        assert isinstance(enrolled, Enrolled)
        self.device, self.token = enrolled.device, enrolled.token
        self.house = House(TOYS)
        self.house.cache.apply(Changes(2, (replace(self.device),)))

    async def sign_in(self) -> None:
        self.connection, self.transport = self.house.join()
        self.connection.data_received(connect(5, self.device.id, self.token))
        await settle()
        assert self.transport.take()[3] == 0

    async def send(self, payload: bytes, content_type: str, mid: int = 1) -> list[Any]:
        """The lines that leave for Kafka."""
        properties = (
            b"\x03" + len(content_type).to_bytes(2, "big") + content_type.encode() if content_type else b""
        )
        topic = f"cw/v1/e/{self.device.id}/telemetry"
        producer = self.house.producer
        producer.automatic = True
        before = len(producer.log)
        self.connection.data_received(publish(5, topic, payload, mid, properties=properties))
        await settle()
        packs = [sent.rows[0][1] for sent in producer.log[before:] if sent.topic == READINGS.name]
        return [line for pack in packs for line in decode_lines(pack)]


@pytest.fixture
async def scale() -> Any:
    made = Scale()
    await made.sign_in()
    yield made
    made.house.gateway.delivery.close()
    await settle()


async def test_the_toy_kind_is_enrolled_with_its_points_and_defaults(scale: Scale) -> None:
    assert scale.device.profile == "toys"
    assert [(point.metric, point.unit) for point in scale.device.points] == [("weight", "kg")]


async def test_the_content_type_chooses_the_toy_codec(scale: Scale) -> None:
    before_us = time.time_ns() // 1000
    (line,) = await scale.send(b"weight=4.5", CONTENT_TYPE)
    assert (line.p, line.v) == (scale.device.points[0].id, 4.5)
    assert line.at == line.r >= before_us


async def test_without_it_the_topics_own_codec_reads_the_same_device(scale: Scale) -> None:
    payload = b'{"at": %d, "values": {"weight": 2.5}}' % (time.time_ns() // 1_000_000)
    (line,) = await scale.send(payload, "")
    assert line.v == 2.5
    (refused,) = await scale.send(b"weight=4.5", "", mid=2)
    assert refused.n == "refused:bad_json"


async def test_an_unknown_content_type_changes_nothing(scale: Scale) -> None:
    payload = b'{"at": %d, "values": {"weight": 2.5}}' % (time.time_ns() // 1_000_000)
    (line,) = await scale.send(payload, "application/json")
    assert line.v == 2.5


async def test_what_the_toy_cannot_read_or_weigh_is_explained(scale: Scale) -> None:
    (no_number,) = await scale.send(b"weight=heavy", CONTENT_TYPE)
    (impossible,) = await scale.send(b"weight=99", CONTENT_TYPE, mid=2)
    (unknown,) = await scale.send(b"height=1", CONTENT_TYPE, mid=3)
    assert [line.n for line in (no_number, impossible, unknown)] == [
        "refused:not_a_number", "refused:impossible", "refused:unknown_metric",
    ]  # fmt: skip


async def test_routes_are_remembered_by_topic_and_content_type(scale: Scale) -> None:
    for mid, content_type in enumerate((CONTENT_TYPE, "", CONTENT_TYPE, ""), 1):
        await scale.send(b"weight=4.5", content_type, mid)
    assert scale.connection.known_topics == 2


async def test_content_types_that_no_codec_claims_are_not_remembered(scale: Scale) -> None:
    payload = b'{"at": %d, "values": {"weight": 2.5}}' % (time.time_ns() // 1_000_000)
    for mid in range(1, 4):
        await scale.send(payload, f"made/up-{mid}", mid)
    assert scale.connection.known_topics == 1


def test_the_products_tables_know_no_toy() -> None:
    assert TOY_SCALE.name not in KINDS
    assert TOY_CODEC.name not in CODECS
