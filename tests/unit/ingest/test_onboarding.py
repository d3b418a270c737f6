"""Whether a device may be enrolled, and what the sentence says to change when it may not."""

import pytest
from msgspec.structs import replace

from ingest.onboarding import (
    Enrolment,
    Known,
    Problem,
    decide,
    decide_all,
    decide_retirement,
    decide_rotation,
    is_slug,
)
from schemas.registry import Device


def device(id: str, kind: str = "probe", **more) -> Device:
    fields = {"enterprise": "e1", "site": "s1", "interval_us": 60_000_000, "profile": "chilled"}
    return Device(**fields | {"id": id, "kind": kind} | more)


def known() -> Known:
    devices = [
        device("taken"),
        device("used", retired_us=1),
        device("g1", "gateway"),
        device("g-retired", "gateway", retired_us=1),
        device("g-foreign", "gateway", enterprise="e2"),
    ]
    return Known(
        {one.id: one for one in devices},
        {"e1": "east"},
        {
            "chilled": frozenset({"temperature", "*"}),
            "door": frozenset({"open", "*"}),
            "gateway": frozenset({"*"}),
            "demo": frozenset({"temperature", "open", "*"}),
        },
    )


WISH = Enrolment(id="p1", kind="probe", enterprise="e1", site="s1")


def test_defaults_are_filled_in_from_kind_and_enterprise() -> None:
    decision = decide(WISH, known())
    assert decision == replace(WISH, county="east", interval_us=60_000_000, profile="chilled")


def test_a_new_enterprise_without_county_goes_into_the_default_one() -> None:
    decision = decide(replace(WISH, enterprise="e9"), known())
    assert isinstance(decision, Enrolment)
    assert decision.county == "default"


@pytest.mark.parametrize(
    ("change", "field", "says"),
    [
        ({"id": "taken"}, "id", "coldwatch device token taken"),
        ({"id": "used"}, "id", "another id"),
        ({"id": ""}, "id", "lower-case"),
        ({"id": "冷库"}, "id", "lower-case"),
        ({"id": "a/b"}, "id", "lower-case"),
        ({"id": "a" * 64}, "id", "63"),
        ({"enterprise": "E1"}, "enterprise", "lower-case"),
        ({"site": ""}, "site", "lower-case"),
        ({"asset": "+"}, "asset", "lower-case"),
        ({"site_name": "a\nb"}, "site_name", "control"),
        ({"site_name": "a" * 101}, "site_name", "100"),
        ({"kind": "freezer"}, "kind", "probe"),
        ({"county": "west"}, "county", "east"),
        ({"behind": "nobody"}, "behind", "--kind gateway"),
        ({"behind": "taken"}, "behind", "--kind gateway"),
        ({"behind": "g-retired"}, "behind", "retired"),
        ({"behind": "g-foreign"}, "behind", "another enterprise"),
        ({"kind": "gateway", "behind": "g1", "profile": "gateway"}, "behind", "another gateway"),
        ({"interval_us": 999_999}, "interval", "1s"),
        ({"interval_us": 7 * 86_400_000_000 + 1}, "interval", "7d"),
        ({"profile": "warm"}, "profile", "chilled, demo"),
        ({"profile": "door"}, "profile", "chilled, demo"),
    ],
)
def test_a_refusal_names_the_field_and_what_would_do(change: dict, field: str, says: str) -> None:
    decision = decide(replace(WISH, **change), known())
    assert isinstance(decision, Problem)
    assert decision.field == field
    assert says in decision.en
    assert decision.zh


@pytest.mark.parametrize("text", ["a", "0", "a.b_c-d", "a" * 63])
def test_slugs(text: str) -> None:
    assert is_slug(text)


@pytest.mark.parametrize("text", ["", "-a", ".a", "_a", "A", "a b", "a#", "a+", "é", "a" * 64, "１"])
def test_not_slugs(text: str) -> None:
    assert not is_slug(text)


def test_decisions_keep_the_order_of_the_wishes_while_gateways_go_first() -> None:
    decisions = decide_all(
        [replace(WISH, behind="new"), Enrolment(id="new", kind="gateway", enterprise="e1", site="s1"), WISH],
        known(),
    )
    assert [d.field if isinstance(d, Problem) else d.id for d in decisions] == ["p1", "new", "id"]


def test_retirement_and_rotation_need_a_device_in_use() -> None:
    gone = device("used", retired_us=1)
    assert decide_retirement("p1", device("p1"), []) is None
    assert decide_rotation("p1", device("p1")) is None
    for problem in (
        decide_retirement("p1", None, []),
        decide_retirement("used", gone, []),
        decide_retirement("g1", device("g1", "gateway"), ["p1"]),
        decide_rotation("p1", None),
        decide_rotation("used", gone),
    ):
        assert problem is not None
        assert problem.field == "id"
