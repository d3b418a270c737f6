"""The whole front door on any bytes: no exception, no leak of the byte count, an answer only after confirmation."""

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.front_door import House, settle
from tests.mqtt_client import connect, packet, publish, subscribe, unsubscribe

pieces = st.one_of(
    st.binary(max_size=60),
    st.sampled_from(
        [
            publish(4, "cw/v1/e/c0/telemetry", b'{"at": 1, "values": {"temperature": 4}}', 1),
            publish(4, "cw/v1/e/c1/telemetry", b"[[[[", 2),
            publish(4, "cw/v1/e/hub/status", b"{}", 3),
            publish(4, "cw/v1/e/other/telemetry", b"{}", 4),
            publish(4, "cw/v1/e/c0/frame/1/1", b"x" * 300, 0),
            publish(5, "a/b", b"", 5),
            subscribe(4, 6, ["cw/v1/e/c0/errors", "#"]),
            unsubscribe(4, 7, ["cw/v1/e/c0/errors"]),
            packet(0x40, b"\x00\x01"),
            b"\xc0\x00",
            b"\xe0\x00",
            connect(5, "hub", "token"),
        ]
    ),
)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(pieces, max_size=8),
    st.sampled_from([b"", connect(4, "hub", "token"), connect(5, "hub", "token")]),
)
def test_any_conversation_ends_with_nothing_in_hand(said: list[bytes], first: bytes) -> None:
    async def talk() -> None:
        house = House()
        connection, transport = house.join()
        for piece in [first, *said] if first else said:
            if not transport.closed and transport.reading:
                connection.data_received(piece)
            await settle()
        while house.producer.under_way:
            house.producer.confirm()
            await settle()
        connection.connection_lost(None)
        assert house.gateway.gauges()["buffered_bytes"] == 0
        assert house.gateway.gauges()["signed_in"] == 0
        assert house.gateway.delivery.failure is None
        house.gateway.delivery.close()

    asyncio.run(talk())
