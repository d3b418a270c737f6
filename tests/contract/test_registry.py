"""The registry's promises, the same for the database and for its twin in memory."""

from collections.abc import Iterator

import psycopg2
import pytest

from ingest.onboarding import Enrolment, Problem
from ingest.registry import Enrolled, PostgresRegistry, Registry, RegistryCache
from ingest.registry_memory import MemoryRegistry

NOW_US = 1_764_000_000_000_000
PROFILES = {
    "chilled": frozenset({"temperature", "*"}),
    "frozen": frozenset({"temperature", "*"}),
    "demo": frozenset({"temperature", "open", "*"}),
    "door": frozenset({"open", "*"}),
    "instrument": frozenset({"*"}),
    "camera": frozenset({"*"}),
    "gateway": frozenset({"*"}),
}


@pytest.fixture(params=["memory", "postgres"])
def registry(request: pytest.FixtureRequest) -> Iterator[Registry]:
    if request.param == "memory":
        yield MemoryRegistry(PROFILES)
        return
    connection = psycopg2.connect(request.getfixturevalue("fresh_database").pipeline_url)
    yield PostgresRegistry(connection)
    connection.close()


def probe(id: str = "p1", **more) -> Enrolment:
    return Enrolment(**{"id": id, "kind": "probe", "enterprise": "e1", "site": "s1"} | more)


def gateway(id: str = "g1", **more) -> Enrolment:
    return probe(id, kind="gateway", **more)


def enrolled(answer: Enrolled | Problem) -> Enrolled:
    assert isinstance(answer, Enrolled), answer
    return answer


def test_an_enrolled_device_has_the_points_and_defaults_of_its_kind(registry: Registry) -> None:
    device = enrolled(registry.enrol(probe())).device
    assert (device.interval_us, device.profile) == (60_000_000, "chilled")
    assert [(p.metric, p.unit, p.possible_low, p.possible_high) for p in device.points] == [
        ("temperature", "Cel", -80.0, 85.0),
        ("humidity", "%RH", 0.0, 100.0),
    ]
    assert all(p.id > 0 and p.device == "p1" for p in device.points)


def test_a_token_lets_its_own_device_in_and_is_not_stored(registry: Registry) -> None:
    first, second = (enrolled(registry.enrol(probe(id))) for id in ("p1", "p2"))
    cache = RegistryCache()
    cache.apply(registry.fetch_changes(0))
    assert cache.authenticate("p1", first.token) == first.device
    assert cache.authenticate("p1", second.token) is None
    assert cache.authenticate("p3", first.token) is None
    assert cache.authenticate("p1", "") is None
    assert first.token.encode() not in repr(registry.list_devices()).encode()


def test_a_device_behind_a_gateway_has_no_token_and_belongs_to_the_gateway(registry: Registry) -> None:
    registry.enrol(gateway())
    child = enrolled(registry.enrol(probe(behind="g1")))
    cache = RegistryCache()
    cache.apply(registry.fetch_changes(0))
    assert child.token == ""
    assert cache.children("g1") == [child.device]
    assert cache.authenticate("p1", "") is None


def test_a_device_behind_a_gateway_may_get_a_token_of_its_own(registry: Registry) -> None:
    registry.enrol_many([gateway(), probe(behind="g1")])
    rotated = enrolled(registry.rotate("p1"))
    cache = RegistryCache()
    cache.apply(registry.fetch_changes(0))
    assert cache.authenticate("p1", rotated.token) == rotated.device


def test_of_many_the_sound_ones_are_in_and_each_bad_one_says_why(registry: Registry) -> None:
    answers = registry.enrol_many(
        [
            probe("c1", behind="g9"),
            gateway("g9"),
            probe("BAD"),
            probe("p1"),
            probe("p1"),
            probe("p2", site=""),
        ]
    )
    assert [a.field if isinstance(a, Problem) else a.device.id for a in answers] == [
        "c1",
        "g9",
        "id",
        "p1",
        "id",
        "site",
    ]
    assert [listed.device.id for listed in registry.list_devices()] == ["c1", "g9", "p1"]


def test_what_was_refused_changes_nothing(registry: Registry) -> None:
    registry.enrol(probe())
    before = registry.fetch_changes(0)
    assert isinstance(registry.enrol(probe()), Problem)
    assert isinstance(registry.retire("nobody", NOW_US), Problem)
    assert isinstance(registry.rotate("nobody"), Problem)
    assert registry.fetch_changes(0) == before


def test_changes_come_once_and_in_step_with_their_number(registry: Registry) -> None:
    registry.enrol(probe("p1"))
    first = registry.fetch_changes(0)
    registry.enrol(probe("p2"))
    second = registry.fetch_changes(first.number)
    assert [d.id for d in first.devices] == ["p1"]
    assert [d.id for d in second.devices] == ["p2"]
    assert second.number > first.number
    assert registry.fetch_changes(second.number).devices == ()


def test_a_retired_device_is_known_and_let_in_nowhere(registry: Registry) -> None:
    token = enrolled(registry.enrol(probe())).token
    cache = RegistryCache()
    cache.apply(registry.fetch_changes(0))
    retired = registry.retire("p1", NOW_US)
    assert cache.apply(registry.fetch_changes(cache.number)) == {"p1"}
    assert cache.find("p1") == retired
    assert not isinstance(retired, Problem)
    assert retired.retired_us == NOW_US
    assert cache.authenticate("p1", token) is None


def test_a_retired_id_is_never_used_again(registry: Registry) -> None:
    registry.enrol(probe())
    registry.retire("p1", NOW_US)
    for answer in (registry.enrol(probe()), registry.retire("p1", NOW_US), registry.rotate("p1")):
        assert isinstance(answer, Problem)
        assert answer.field == "id"


def test_a_gateway_is_retired_after_its_devices(registry: Registry) -> None:
    registry.enrol_many([gateway(), probe(behind="g1")])
    refused = registry.retire("g1", NOW_US)
    assert isinstance(refused, Problem)
    assert "p1" in refused.en
    registry.retire("p1", NOW_US)
    assert not isinstance(registry.retire("g1", NOW_US), Problem)


def test_rotation_voids_the_old_token(registry: Registry) -> None:
    old = enrolled(registry.enrol(probe())).token
    new = enrolled(registry.rotate("p1")).token
    cache = RegistryCache()
    cache.apply(registry.fetch_changes(0))
    assert cache.authenticate("p1", old) is None
    assert cache.authenticate("p1", new) is not None


def test_the_list_names_places_and_can_be_of_one_enterprise(registry: Registry) -> None:
    registry.enrol_many(
        [
            probe("p1", asset="room-1", county="east", enterprise_name="幸福小学"),
            probe("p2", enterprise="e2"),
        ]
    )
    listed = registry.list_devices("e1")
    assert [(one.device.id, one.asset, one.county) for one in listed] == [("p1", "room-1", "east")]
    assert {one.county for one in registry.list_devices()} == {"east", "default"}


def test_an_enterprise_stays_in_its_county(registry: Registry) -> None:
    registry.enrol(probe("p1", county="east"))
    refused = registry.enrol(probe("p2", county="west"))
    assert isinstance(refused, Problem)
    assert refused.field == "county"
    assert enrolled(registry.enrol(probe("p2"))).device.enterprise == "e1"
