"""What the registry changes while episodes run: judged by the facts of then, touching the changed devices alone."""

import pytest
from msgspec.structs import replace

from processors.judge.registry_view import RegistryView
from schemas.finding import Change, Finding
from schemas.profile import Profile
from schemas.registry import KNOWN_AFTER_US, Device, Facts
from tests.judging import PROFILES, READINGS, Bench, clock, devices, reading, us

KNOWN_S = KNOWN_AFTER_US / 1e6


def facts(device: Device, from_s: float | None = None, **changes) -> Facts:
    metrics = tuple(point.metric for point in device.points)
    fields = {
        "kind": device.kind,
        "interval_us": device.interval_us,
        "profile": device.profile,
        "metrics": metrics,
    }
    return Facts(from_us=0 if from_s is None else us(from_s), **fields | changes)


def change(bench: Bench, index: int, at_s: float, **changes) -> None:
    """As the registry does it at at_s: a new row that holds a little later, the past as it was."""
    device = bench.tables.devices[index]
    rows = device.facts or (facts(device),)
    new = facts(device, at_s + KNOWN_S, **changes)
    now = {name: value for name, value in changes.items() if name != "metrics"}
    bench.tables.devices = [
        replace(one, facts=(*rows, new), **now) if one is device else one for one in bench.tables.devices
    ]
    bench.tables.changes += 1
    bench.judge.store.refresh(bench.judge.registry)


def add_profile(bench: Bench, name: str, **limits) -> None:
    bench.tables.profiles += [
        replace(PROFILES[0], name=name, low=None, tolerance_high=None, reject_high=None, **limits),
        replace(PROFILES[2], name=name),
    ]
    bench.tables.changes += 1


def feed(bench: Bench, seconds: range, value: float = 9.0, points: tuple[int, ...] = (1, 2)) -> None:
    for second in seconds:
        bench.pack([clock(second), *(reading(point, second, value) for point in points)])
    bench.run()


def of(bench: Bench, subject: str, rule: str = "excursion") -> list[Finding]:
    found = [f for f in bench.tables.findings.values() if (f.subject, f.rule) == (subject, rule)]
    return sorted(found, key=lambda f: (f.start_us, f.version))


def again(bench: Bench) -> Bench:
    """The same log judged anew by somebody who knows the registry with its dates from the beginning."""
    other = Bench(len(bench.tables.devices))
    other.tables.devices, other.tables.profiles = bench.tables.devices, bench.tables.profiles
    other.log = bench.log
    other.start()
    return other.run(7)


def test_another_profile_ends_the_episode_by_which_it_is_none_and_says_why() -> None:
    bench = Bench()
    add_profile(bench, "warm", high=12)
    feed(bench, range(0, 601, 60))
    assert [f.change for f in of(bench, "d0/temperature")] == [Change.OPENED]
    change(bench, 0, 610, profile="warm")
    feed(bench, range(620, 1200, 60))
    opened, closed = of(bench, "d0/temperature")
    assert (closed.end_us, closed.profile, closed.detail) == (us(620), "warm", {"reason": "profile_changed"})
    assert closed.id == opened.id
    assert [f.change for f in of(bench, "d1/temperature")] == [Change.OPENED]
    assert again(bench).tables.findings == bench.tables.findings


def test_a_stricter_profile_goes_on_with_the_episode_by_its_own_limit() -> None:
    bench = Bench()
    add_profile(bench, "cold", high=-18)
    feed(bench, range(0, 601, 60))
    change(bench, 0, 610, profile="cold")
    feed(bench, range(620, 1000, 60))
    feed(bench, range(1000, 1200, 60), value=-20)
    opened, closed = of(bench, "d0/temperature")[0], of(bench, "d0/temperature")[-1]
    assert (opened.limit, closed.limit, closed.change) == (8, -18, Change.CLOSED)
    assert again(bench).tables.findings == bench.tables.findings


def test_a_profile_without_the_metric_or_at_its_end_ends_the_episode() -> None:
    bench = Bench()
    bench.tables.profiles[0] = replace(PROFILES[0], ends_us=us(700))
    bench.tables.profiles += [replace(PROFILES[2], name="bare")]
    bench.tables.changes += 1
    feed(bench, range(0, 601, 60))
    change(bench, 0, 610, profile="bare")
    feed(bench, range(620, 1000, 60))
    for subject, end in (("d0/temperature", 620), ("d1/temperature", 740)):
        closed = of(bench, subject)[-1]
        assert (closed.change, closed.end_us, closed.detail) == (
            Change.CLOSED, us(end), {"reason": "profile_gone"},
        )  # fmt: skip
    assert again(bench).tables.findings == bench.tables.findings


def test_a_profile_without_the_metric_ends_the_episode_of_a_device_that_says_no_more() -> None:
    bench = Bench()
    bench.tables.profiles += [replace(PROFILES[2], name="bare")]
    bench.tables.changes += 1
    feed(bench, range(0, 901, 60), value=11.0)
    change(bench, 0, 910, profile="bare")
    feed(bench, range(910, 1300, 2), points=())
    closed = of(bench, "d0/temperature")[-1]
    assert (closed.change, closed.detail) == (Change.CLOSED, {"reason": "profile_gone"})
    assert us(1020) <= closed.end_us <= us(1030)
    assert [f.change for f in of(bench, "d1/temperature")] == [Change.OPENED]
    assert again(bench).tables.findings == bench.tables.findings


@pytest.mark.parametrize(
    ("old", "new", "value"),
    [
        ({"high": 8, "high_inclusive": False}, {"high": 8}, 8.0),
        ({"low": 2, "high": 8}, {"low": -20, "high": 2}, 1.0),
    ],
    ids=["the limit itself complies now", "the limit that was crossed is the other side's now"],
)
def test_an_episode_that_is_none_by_the_new_row_ends_at_the_next_sample(
    old: dict[str, float], new: dict[str, float], value: float
) -> None:
    bench = Bench()
    rows = [
        Profile(name="p", version=n, metric="temperature", effective_from_us=from_us, dwell_us=300_000_000, **limits)  # type: ignore[arg-type]
        for n, (from_us, limits) in enumerate(((0, old), (us(590), new)), 1)
    ]  # fmt: skip
    bench.tables.profiles = [*rows, *PROFILES[1:]]
    bench.start()
    feed(bench, range(0, 601, 60), value=value)
    closed = of(bench, "d0/temperature")[-1]
    assert (closed.change, closed.end_us, closed.detail) == (
        Change.CLOSED, us(600), {"reason": "profile_changed"},
    )  # fmt: skip


def test_a_disabled_profile_ends_the_episode_at_the_next_sample() -> None:
    bench = Bench()
    feed(bench, range(0, 601, 60))
    bench.tables.profiles[0] = replace(PROFILES[0], enabled=False)
    bench.tables.changes += 1
    bench.judge.store.refresh(bench.judge.registry)
    feed(bench, range(660, 700, 60))
    assert of(bench, "d0/temperature")[-1].detail == {"reason": "profile_gone"}


def test_a_device_of_another_kind_ends_what_it_measures_no_more() -> None:
    bench = Bench()
    feed(bench, range(0, 601, 60))
    change(bench, 0, 610, kind="camera", metrics=())
    feed(bench, range(612, 1000, 2), points=(2,))
    closed = of(bench, "d0/temperature")[-1]
    assert (closed.end_us, closed.detail) == (us(615), {"reason": "kind_changed"})
    assert of(bench, "d0", "silence") == []
    assert again(bench).tables.findings == bench.tables.findings


def test_a_retired_device_ends_what_goes_on_in_a_rebuild_too() -> None:
    bench = Bench()
    feed(bench, range(0, 601, 60))
    bench.tables.devices = [replace(bench.tables.devices[0], retired_us=us(610)), bench.tables.devices[1]]
    bench.tables.changes += 1
    bench.judge.store.refresh(bench.judge.registry)
    feed(bench, range(612, 800, 2), points=(2,))
    closed = of(bench, "d0/temperature")[-1]
    assert (closed.change, closed.end_us, closed.received_us) == (Change.CLOSED, us(610), us(616))
    assert again(bench).tables.findings == bench.tables.findings


def test_a_device_is_silent_by_the_interval_of_when_it_was_last_heard() -> None:
    bench = Bench()
    feed(bench, range(0, 1), value=4.0)
    feed(bench, range(2, 60, 2), points=())
    feed(bench, range(60, 61), value=4.0)
    change(bench, 0, 62, interval_us=600_000_000)  # heard of it after its last word: 120 s still hold
    change(bench, 1, 62, interval_us=10_000_000)
    feed(bench, range(62, 150, 2), value=4.0, points=(2,))
    feed(bench, range(150, 260, 2), points=())
    assert [f.received_us for f in of(bench, "d0", "silence")] == [us(182)]
    assert [f.received_us for f in of(bench, "d1", "silence")] == [us(170)]  # heard at 148: 20 s
    assert again(bench).tables.findings == bench.tables.findings


def test_the_short_way_is_closed_for_the_changed_device_alone() -> None:
    bench = Bench(4)
    feed(bench, range(-300, 61, 60), value=4.0, points=(1, 2, 3, 4))  # their pace is known
    state = bench.judge.slots.get(READINGS).state  # type: ignore[union-attr]

    def closed() -> set[int]:
        return {point for point, held in state.points.items() if held.lo > held.hi}

    assert closed() == set()
    bench.tables.devices = [*bench.tables.devices, replace(devices(1)[0], id="d9", points=())]
    bench.tables.changes += 1
    bench.pack([clock(62)])
    bench.judge.store.refresh(bench.judge.registry)
    bench.run()
    assert closed() == set()
    change(bench, 2, 63, interval_us=50_000_000)
    bench.pack([clock(64)])
    bench.run()
    assert closed() == {3}
    feed(bench, range(66, 67), value=4.0, points=(1, 2, 3, 4))
    assert closed() == set()
    feed(bench, range(70, 71), value=4.0, points=(1, 2, 4))
    assert closed() == {3}
    feed(bench, range(71, 72), value=4.0, points=(3,))
    assert closed() == set()


def test_the_registry_view_counts_what_differs_alone() -> None:
    view = RegistryView(devices(3), PROFILES)
    number = view.number
    view.put(devices(3), list(PROFILES))
    assert (view.number, view.changed_since(number)) == (number, set())
    view.put([replace(devices(3)[1], interval_us=1)], list(PROFILES))
    assert view.changed_since(number) == {"d1"}
    number = view.number
    view.put([], PROFILES[:1])
    assert view.changed_since(number) == {"d0", "d1", "d2"}
