"""The registry's promises, the same for the database and for its twin in memory."""

from collections.abc import Iterator

import psycopg2
import pytest

from ingest.device_changes import Change
from ingest.onboarding import Enrolment, Problem
from ingest.places import Description
from ingest.registry import Enrolled, PostgresRegistry, Registry, RegistryCache
from ingest.registry_memory import MemoryRegistry
from schemas.registry import KNOWN_AFTER_US, Device, Facts

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
    assert [(one.device.id, one.device.asset, one.county) for one in listed] == [("p1", "room-1", "east")]
    assert {one.county for one in registry.list_devices()} == {"east", "default"}


def test_an_enterprise_stays_in_its_county(registry: Registry) -> None:
    registry.enrol(probe("p1", county="east"))
    refused = registry.enrol(probe("p2", county="west"))
    assert isinstance(refused, Problem)
    assert refused.field == "county"
    assert enrolled(registry.enrol(probe("p2"))).device.enterprise == "e1"


def changed(answer: Device | Problem) -> Device:
    assert isinstance(answer, Device), answer
    return answer


def test_a_device_has_been_as_it_was_enrolled_since_ever(registry: Registry) -> None:
    registry.enrol_many([gateway(), probe(behind="g1", asset="room-1")])
    assert registry.facts("p1") == (
        Facts(
            from_us=0, kind="probe", interval_us=60_000_000, profile="chilled", behind="g1", asset="room-1",
            metrics=("temperature", "humidity"),
        ),
    )  # fmt: skip
    assert registry.facts("nobody") == ()


def test_a_change_holds_from_soon_on_and_leaves_the_past_as_it_was(registry: Registry) -> None:
    before = enrolled(registry.enrol(probe())).device
    first = registry.facts("p1")
    device = changed(
        registry.change(Change(device="p1", interval_us=120_000_000, profile="frozen", asset="r2"), NOW_US)
    )
    assert (device.interval_us, device.profile, device.asset) == (120_000_000, "frozen", "r2")
    assert device.points == before.points
    old, new = registry.facts("p1")
    assert (old,) == first
    assert (new.from_us, new.interval_us, new.profile) == (NOW_US + KNOWN_AFTER_US, 120_000_000, "frozen")
    assert new.asset == "r2"


def test_changes_at_one_instant_follow_one_another(registry: Registry) -> None:
    registry.enrol(probe())
    for seconds in (30, 40, 50):
        registry.change(Change(device="p1", interval_us=seconds * 1_000_000), NOW_US)
    moments = [one.from_us for one in registry.facts("p1")]
    assert moments == sorted(set(moments))
    assert registry.facts("p1")[-1].interval_us == 50_000_000


def test_a_change_is_heard_of_as_one_device_changed(registry: Registry) -> None:
    registry.enrol_many([probe("p1"), probe("p2")])
    number = registry.fetch_changes(0).number
    device = changed(registry.change(Change(device="p2", interval_us=5_000_000), NOW_US))
    assert registry.fetch_changes(number).devices == (device,)


def test_a_device_of_another_kind_gets_the_points_of_it_and_keeps_those_it_had(registry: Registry) -> None:
    before = enrolled(registry.enrol(probe())).device
    device = changed(registry.change(Change(device="p1", kind="door"), NOW_US))
    assert (device.kind, device.profile) == ("door", "door")
    assert device.points[: len(before.points)] == before.points
    assert [point.metric for point in device.points] == ["temperature", "humidity", "open"]
    again = changed(registry.change(Change(device="p1", kind="probe"), NOW_US))
    assert again.points == device.points
    assert [one.metrics for one in registry.facts("p1")] == [
        ("temperature", "humidity"), ("open",), ("temperature", "humidity"),
    ]  # fmt: skip


def test_a_device_moves_behind_a_gateway_and_away_again(registry: Registry) -> None:
    registry.enrol_many([gateway(), probe()])
    assert changed(registry.change(Change(device="p1", behind="g1"), NOW_US)).behind == "g1"
    assert changed(registry.change(Change(device="p1", behind=""), NOW_US)).behind == ""


def test_a_change_that_is_none_or_cannot_be_is_refused_and_changes_nothing(registry: Registry) -> None:
    registry.enrol_many([gateway(), probe(behind="g1"), probe("gone"), gateway("g2", enterprise="e2")])
    registry.retire("gone", NOW_US)
    number = registry.fetch_changes(0).number
    refusals = {
        Change(device="nobody", profile="frozen"): "id",
        Change(device="gone", profile="frozen"): "id",
        Change(device="p1"): "id",
        Change(device="p1", interval_us=1): "interval",
        Change(device="p1", profile="door"): "profile",
        Change(device="p1", kind="lamp"): "kind",
        Change(device="p1", asset="A"): "asset",
        Change(device="p1", behind="g2"): "behind",
        Change(device="g1", kind="probe"): "kind",
    }
    for change, field in refusals.items():
        answer = registry.change(change, NOW_US)
        assert isinstance(answer, Problem), change
        assert answer.field == field
    assert registry.fetch_changes(0).number == number
    assert len(registry.facts("p1")) == 1


PLACES = {
    "enterprise_name": "幸福小学", "enterprise_kind": "school_canteen", "licence": "JY3 4123", "site_name": "一食堂",
    "telephone": "0395-1234567", "business_hours": "1-5 06:00-13:30", "site_state": "commissioning",
    "asset_name": "一号冷库", "asset_kind": "cold_room", "product_class": "冷藏肉",
}  # fmt: skip


def test_what_is_said_of_new_places_is_kept_and_the_first_word_holds(registry: Registry) -> None:
    registry.enrol_many([probe("p1", asset="r1", **PLACES), probe("p2", asset="r1", licence="other")])
    registry.enrol(probe("p3", asset="r1", enterprise_kind="market"))
    assert {one.device.id: one.places for one in registry.list_devices()} == dict.fromkeys(
        ("p1", "p2", "p3"), PLACES
    )


def test_a_place_of_which_nothing_is_said_is_live_and_named_by_its_id(registry: Registry) -> None:
    registry.enrol(probe())
    (listed,) = registry.list_devices()
    said = {column: value for column, value in listed.places.items() if value}
    assert said == {"enterprise_name": "e1", "site_name": "s1", "site_state": "live"}


def test_places_are_described_when_they_are_there(registry: Registry) -> None:
    registry.enrol(probe(asset="r1", site_state="commissioning"))
    for place, values in (
        ({}, {"kind": "caterer", "licence": "JY1"}),
        ({"site": "s1"}, {"state": "live", "telephone": "110"}),
        ({"site": "s1", "asset": "r1"}, {"kind": "freezer", "product_class": "ice cream"}),
    ):
        assert registry.describe(Description(enterprise="e1", **place, values=values)) is None
    (listed,) = registry.list_devices()
    assert (listed.places["enterprise_kind"], listed.places["licence"]) == ("caterer", "JY1")
    assert (listed.places["site_state"], listed.places["telephone"]) == ("live", "110")
    assert (listed.places["asset_kind"], listed.places["product_class"]) == ("freezer", "ice cream")
    for place, values, field in (
        ({"enterprise": "e9"}, {"kind": "caterer"}, "enterprise"),
        ({"site": "s9"}, {"state": "live"}, "site"),
        ({}, {}, "values"),
        ({}, {"telephone": "110"}, "telephone"),
        ({}, {"kind": "castle"}, "kind"),
        ({"site": "s1"}, {"state": ""}, "state"),
        ({"site": "s1"}, {"business_hours": "always"}, "business_hours"),
    ):
        problem = registry.describe(Description(**{"enterprise": "e1"} | place, values=values))
        assert problem is not None
        assert problem.field == field
