"""A change in the registry makes a connection look up the changed devices' topics again, and no others."""

import json
import time

from msgspec.structs import replace

from ingest.registry import Changes
from tests.front_door import House, settle
from tests.mqtt_client import publish


def reading(device: str, mid: int) -> bytes:
    payload = json.dumps({"at": time.time_ns() // 1_000_000, "seq": mid, "values": {"temperature": 4.5}})
    return publish(4, f"cw/v1/e/{device}/telemetry", payload.encode(), mid)


async def test_routes_of_unchanged_devices_are_kept() -> None:
    house = House()
    hub, _ = await house.sign_in("hub")
    solo, _ = await house.sign_in("solo")
    for number in range(8):
        hub.data_received(reading(f"c{number}", number + 1))
    solo.data_received(reading("solo", 1))
    assert (hub.known_topics, solo.known_topics) == (8, 1)
    for number, device in (
        (2, house.device("newcomer", behind="hub")),
        (3, replace(house.device("c3", behind="hub"), interval_us=2)),
        (4, replace(house.device("hub", "gateway"), interval_us=2)),
    ):
        house.gateway.registry_changed(house.cache.apply(Changes(number, (device,))))
        assert solo.known_topics == 1
        assert hub.known_topics == {2: 8, 3: 7, 4: 0}[number]
    hub.data_received(reading("c3", 20))
    assert hub.known_topics == 1
    house.gateway.delivery.close()
    await settle()
