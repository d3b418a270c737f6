"""The city registers itself once; a second run finds everything, and lost tokens are replaced."""

import stat
from pathlib import Path

import pytest

from coldwatch.city import enrolment, plan
from ingest.onboarding import Enrolment, Problem
from ingest.registry import Changes, Enrolled, Listed
from schemas.errors import Permanent
from schemas.registry import Device


class ListRegistry:
    """A registry in a list, with counted tokens."""

    def __init__(self) -> None:
        self.wishes: dict[str, Enrolment] = {}
        self.retired: set[str] = set()
        self._number = 0

    def enrol(self, wish: Enrolment) -> Enrolled | Problem:
        self.wishes[wish.id] = wish
        return self._enrolled(wish)

    def enrol_many(self, wishes: list[Enrolment]) -> list[Enrolled | Problem]:
        return [self.enrol(wish) for wish in wishes]

    def retire(self, device_id: str, now_us: int) -> Device | Problem:
        self.retired.add(device_id)
        return self._device(self.wishes[device_id])

    def rotate(self, device_id: str) -> Enrolled | Problem:
        if device_id in self.retired:
            return Problem("id", "已停用", "is retired")
        return self._enrolled(self.wishes[device_id])

    def list_devices(self, enterprise: str = "") -> list[Listed]:
        return [Listed(self._device(wish), wish.asset, wish.county) for wish in self.wishes.values()]

    def fetch_changes(self, since: int) -> Changes:
        return Changes(0, ())

    def _enrolled(self, wish: Enrolment) -> Enrolled:
        self._number += 1
        return Enrolled(self._device(wish), "" if wish.behind else f"token-{self._number}")

    def _device(self, wish: Enrolment) -> Device:
        return Device(
            id=wish.id,
            kind=wish.kind,
            enterprise=wish.enterprise,
            site=wish.site,
            interval_us=1,
            profile="",
            behind=wish.behind,
        )


def test_every_device_is_registered_with_its_names_and_who_signs_in_has_a_token(tmp_path: Path) -> None:
    city, registry = plan.build(1), ListRegistry()
    enrolled = enrolment.enrol(city, registry, tmp_path / "tokens.json")
    assert enrolled.new == len(city.devices) == len(registry.wishes)
    assert set(enrolled.tokens) == {d.id for d in city.devices if not d.behind}
    wish = registry.wishes["coldpark-probe-1"]
    assert (wish.enterprise_name, wish.behind, wish.profile, wish.interval_us) == (
        "城东冷链物流园",
        "coldpark-gw",
        "demo",
        2_000_000,
    )


def test_the_tokens_are_kept_for_the_next_run_and_for_the_owner_alone(tmp_path: Path) -> None:
    city, registry, path = plan.build(1), ListRegistry(), tmp_path / "tokens.json"
    first = enrolment.enrol(city, registry, path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    second = enrolment.enrol(city, registry, path)
    assert second.new == 0
    assert second.tokens == first.tokens


def test_a_lost_token_is_replaced_and_a_new_database_is_filled_again(tmp_path: Path) -> None:
    city, registry, path = plan.build(1), ListRegistry(), tmp_path / "tokens.json"
    first = enrolment.enrol(city, registry, path)
    path.unlink()
    replaced = enrolment.enrol(city, registry, path)
    assert set(replaced.tokens) == set(first.tokens)
    assert not set(replaced.tokens.values()) & set(first.tokens.values())
    refilled = enrolment.enrol(city, empty := ListRegistry(), path)
    assert refilled.new == len(empty.wishes) == len(city.devices)


def test_a_retired_device_of_the_city_is_named_with_the_remedy(tmp_path: Path) -> None:
    city, registry, path = plan.build(1), ListRegistry(), tmp_path / "tokens.json"
    enrolment.enrol(city, registry, path)
    registry.retire("xingfu-probe-1", 0)
    path.unlink()
    with pytest.raises(Permanent, match="is retired"):
        enrolment.enrol(city, registry, path)
