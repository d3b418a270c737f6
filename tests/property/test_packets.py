"""The parser is total: any bytes give packets or a protocol error, however they are cut."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.mqtt.codes import Code
from ingest.mqtt.packets import MAX_CONNECT_BYTES, Packet, Parser
from schemas.device_topics import is_frame
from tests.mqtt_client import connect, packet, publish, subscribe, unsubscribe

LIMIT, LARGE = 2048, 8192


def run(pieces: list[bytes], version: int | None) -> tuple[list[Packet], Code | None]:
    """Feeds the pieces to a parser, which has signed in when a version is given."""
    parser = Parser()
    if version is not None:
        parser.feed(connect(version, "d", "t"))
        parser.open(LIMIT, LARGE, is_frame)
    found = []
    for piece in pieces:
        found += parser.feed(piece)
        assert parser.buffered <= (MAX_CONNECT_BYTES if version is None else LARGE + len(piece))
    return found, parser.error.code if parser.error is not None else None


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = sorted({0, len(data), *(place % (len(data) + 1) for place in places)})
    return [data[a:b] for a, b in pairwise(edges)]


versions = st.sampled_from([None, 4, 5])
places = st.lists(st.integers(0, 10_000), max_size=6)


@settings(max_examples=400, deadline=None)
@given(st.binary(max_size=300), versions, places)
def test_any_bytes_give_packets_or_an_error_however_cut(
    data: bytes, version: int | None, where: list[int]
) -> None:
    assert run(cut(data, where), version) == run([data] if data else [], version)


sound = st.sampled_from(
    [
        publish(5, "cw/v1/e/d/telemetry", b"{}", 1, properties=b"\x01\x01\x26\x00\x01a\x00\x01b"),
        publish(4, "cw/v1/e/d/telemetry", b'{"at":1}', 2),
        publish(4, "cw/v1/e/d/frame/1/1", b"y" * 3000, 3),
        publish(4, "t", b"", 0),
        subscribe(5, 1, ["cw/v1/e/d/errors", "b"]),
        unsubscribe(4, 1, ["a"]),
        packet(0x40, b"\x00\x01"),
        b"\xc0\x00",
        b"\xe0\x00",
        connect(5, "d", "t", properties=b"\x21\x00\x05", will=b"\x00\x00\x01t\x00\x01x"),
        connect(4, "d", "t"),
    ]
)


@settings(max_examples=400, deadline=None)
@given(
    st.lists(sound, min_size=1, max_size=4),
    st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), max_size=4),
    versions,
    places,
)
def test_mutated_packets_give_packets_or_an_error_however_cut(
    packets: list[bytes], changes: list[tuple[int, int]], version: int | None, where: list[int]
) -> None:
    data = bytearray(b"".join(packets))
    for place, byte in changes:
        data[place % len(data)] = byte
    assert run(cut(bytes(data), where), version) == run([bytes(data)], version)
