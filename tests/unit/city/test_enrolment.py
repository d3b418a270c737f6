"""The city registers itself once; a second run finds everything, and lost tokens are replaced."""

import stat
from pathlib import Path

import pytest

from city import enrolment, plan
from ingest.registry_memory import MemoryRegistry
from schemas.errors import Permanent

PROFILES = {
    "demo": frozenset({"temperature", "open", "mains", "*"}),
    "demo-frozen": frozenset({"temperature", "*"}),
    **dict.fromkeys(("gateway", "camera", "instrument"), frozenset({"*"})),
}


def empty_registry() -> MemoryRegistry:
    return MemoryRegistry(PROFILES)


def test_every_device_is_registered_with_its_names_and_who_signs_in_has_a_token(tmp_path: Path) -> None:
    city, registry = plan.build(1), empty_registry()
    enrolled = enrolment.enrol(city, registry, tmp_path / "tokens.json")
    listed = {one.device.id: one for one in registry.list_devices()}
    assert enrolled.new == len(city.devices) == len(listed)
    assert set(enrolled.tokens) == {d.id for d in city.devices if not d.behind}
    probe = listed["coldpark-probe-1"]
    assert (probe.device.behind, probe.device.profile, probe.device.interval_us) == (
        "coldpark-gw",
        "demo",
        2_000_000,
    )
    assert (probe.device.asset, probe.county) == ("chill-1", "chengdong")


def test_the_tokens_are_kept_for_the_next_run_and_for_the_owner_alone(tmp_path: Path) -> None:
    city, registry, path = plan.build(1), empty_registry(), tmp_path / "tokens.json"
    first = enrolment.enrol(city, registry, path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    second = enrolment.enrol(city, registry, path)
    assert second.new == 0
    assert second.tokens == first.tokens


def test_a_lost_token_is_replaced_and_a_new_database_is_filled_again(tmp_path: Path) -> None:
    city, registry, path = plan.build(1), empty_registry(), tmp_path / "tokens.json"
    first = enrolment.enrol(city, registry, path)
    path.unlink()
    replaced = enrolment.enrol(city, registry, path)
    assert set(replaced.tokens) == set(first.tokens)
    assert not set(replaced.tokens.values()) & set(first.tokens.values())
    refilled = enrolment.enrol(city, empty := empty_registry(), path)
    assert refilled.new == len(empty.list_devices()) == len(city.devices)


def test_a_retired_device_of_the_city_is_named_with_the_remedy(tmp_path: Path) -> None:
    city, registry, path = plan.build(1), empty_registry(), tmp_path / "tokens.json"
    enrolment.enrol(city, registry, path)
    registry.retire("xingfu-probe-1", 0)
    path.unlink()
    with pytest.raises(Permanent, match="is retired"):
        enrolment.enrol(city, registry, path)
