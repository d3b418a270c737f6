"""A device may be connected several times: by client ids of its own side by side, by the same one in turn."""

from msgspec.structs import replace

from ingest.mqtt.sign_in import EACH
from ingest.registry import Changes
from tests.front_door import FakeTransport, House, settle
from tests.mqtt_client import connect


async def joined(house: House, client_id: str, version: int = 5, name: str = "solo") -> FakeTransport:
    connection, transport = house.join()
    connection.data_received(connect(version, name, "token", client_id=client_id))
    await settle()
    assert transport.take()[3] == 0
    return transport


async def test_two_client_ids_of_one_device_live_side_by_side() -> None:
    house = House()
    box, technician = await joined(house, "box"), await joined(house, "mosq-1")
    assert (box.closed, technician.closed) == (False, False)
    assert house.gateway.gauges()["signed_in"] == 1


async def test_the_same_client_id_takes_over_and_says_so() -> None:
    house = House()
    first, other = await joined(house, "box"), await joined(house, "mosq-1")
    second = await joined(house, "box")
    assert (first.closed, other.closed, second.closed) == (True, False, False)
    assert b"\x8e" in first.take()[2:4]


async def test_empty_client_ids_are_nobodys_own() -> None:
    house = House()
    first, second = await joined(house, "", 4), await joined(house, "", 4)
    assert (first.closed, second.closed) == (False, False)


async def test_of_too_many_the_oldest_goes() -> None:
    house = House()
    transports = [await joined(house, f"c{n}") for n in range(EACH + 2)]
    assert [transport.closed for transport in transports] == [True, True, *[False] * EACH]


async def test_a_retired_device_is_cut_on_all_of_them() -> None:
    house = House()
    transports = [await joined(house, f"c{n}") for n in range(2)]
    others = await joined(house, "c", name="hub")
    retired = replace(house.device("solo"), retired_us=1)
    house.gateway.registry_changed(house.cache.apply(Changes(2, (retired,))))
    assert [transport.closed for transport in transports] == [True, True]
    assert not others.closed


async def test_one_that_leaves_leaves_the_others() -> None:
    house = House()
    connection, _ = house.join()
    connection.data_received(connect(5, "solo", "token", client_id="a"))
    await settle()
    await joined(house, "b")
    connection.connection_lost(None)
    assert house.gateway.gauges()["signed_in"] == 1
    third = await joined(house, "b")
    assert not third.closed
