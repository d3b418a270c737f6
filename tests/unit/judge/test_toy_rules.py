"""Rules registered from here alone are judged like the product's: several of a point, of a device, over restarts."""

from dataclasses import replace

import msgspec
import pytest

from processors.judge.judged import Shown
from processors.judge.pace import KEPT
from processors.judge.rule import EVERY_SAMPLE_US, Guard, Sample, Stepped
from processors.judge.rules import TABLE
from schemas.finding import Change, Finding
from schemas.profile import Profile
from tests.judging import READINGS, Bench, clock, devices, reading, refused, us
from tests.toy_rules import TOY_HOT, TOY_TABLE, Hot


def changes(bench: Bench, rule: str) -> list[Change]:
    found = sorted((f for f in bench.tables.findings.values() if f.rule == rule), key=lambda f: f.version)
    return [f.change for f in found]


def paced(point: int) -> list[bytes]:
    """As many readings, up to 0, as make a point's pace known: until then none takes the short way."""
    return [reading(point, 1 - second, 4.0) for second in range(KEPT + 2, 0, -1)]


def one(bench: Bench, rule: str, version: int) -> Finding:
    return next(f for f in bench.tables.findings.values() if (f.rule, f.version) == (rule, version))


def test_two_rules_of_one_point_find_what_each_looks_for() -> None:
    bench = Bench(1, table=TOY_TABLE)
    bench.pack([reading(1, minute * 60, 31.0) for minute in range(8)])
    bench.pack([reading(1, minute * 60, 20.0) for minute in range(8, 10)])
    bench.pack([reading(1, minute * 60, 4.0) for minute in range(10, 14)])
    bench.run()
    assert changes(bench, "toy_hot") == changes(bench, "excursion") == [Change.OPENED, Change.CLOSED]
    assert one(bench, "toy_hot", 1).start_us == us(0)
    assert one(bench, "toy_hot", 2).end_us == us(480)
    assert one(bench, "excursion", 2).end_us == us(600)


def test_the_board_shows_a_breach_while_any_of_them_does() -> None:
    bench = Bench(1, table=TOY_TABLE)
    bench.pack([reading(1, minute * 60, 31.0) for minute in range(8)]).run()
    assert bench.tables.shown[1].state == "breach"
    bench.pack([reading(1, 480, 20.0)]).run()
    assert bench.tables.shown[1].state == "breach"
    bench.pack([reading(1, second, 4.0) for second in (540, 600)]).run()
    assert bench.tables.shown[1].state == "in_range"


def test_a_sample_inside_every_guard_is_shown_to_no_rule() -> None:
    seen: list[float] = []

    def step(state: None, sample: Sample, profile: object) -> Stepped:
        seen.append(sample.value)
        return Stepped(None)

    nosy = replace(TOY_HOT, name="nosy", step=step, tick=None, guard=lambda state, profile: Guard(low=2.0))
    bench = Bench(1, table=TABLE.and_rules(point=[nosy]))
    bench.pack([clock(0), *paced(1)]).run()
    seen.clear()
    bench.pack([reading(1, second, value) for second, value in enumerate((4, 5, 1, 6, 9), 1)]).run()
    assert seen == [1, 9]


def test_a_rule_that_must_see_every_sample_sees_one_a_second() -> None:
    seen: list[int] = []

    def step(state: None, sample: Sample, profile: object) -> Stepped:
        seen.append(sample.at_us)
        return Stepped(None)

    nosy = replace(
        TOY_HOT, name="nosy", step=step, tick=None, guard=lambda state, profile: Guard(), every_sample=True
    )
    bench = Bench(1, table=TABLE.and_rules(point=[nosy]))
    bench.pack([clock(0), *paced(1)]).run()
    seen.clear()
    bench.pack([reading(1, tenth / 10, 4.0) for tenth in range(10, 60)]).run()
    assert seen == [us(second) for second in range(1, 6)]
    assert EVERY_SAMPLE_US == 1_000_000


def test_time_alone_ends_what_a_rule_wants_to_end() -> None:
    bench = Bench(1, table=TOY_TABLE)
    bench.pack([reading(1, 0, 31.0), clock(1)])
    bench.pack([clock(599), clock(600)]).run()
    assert one(bench, "toy_hot", 2).detail == {"reason": "stuck"}
    assert one(bench, "toy_hot", 2).end_us == us(600)


def test_time_alone_ends_it_after_a_restart_too() -> None:
    bench = Bench(1, table=TOY_TABLE)
    bench.pack([reading(1, 0, 31.0), clock(1)]).run()
    bench.judge.stop()
    bench.start()
    bench.pack([clock(599), clock(600)]).run()
    assert one(bench, "toy_hot", 2).detail == {"reason": "stuck"}


def test_the_board_follows_what_time_alone_has_ended() -> None:
    bench = Bench(1, table=TOY_TABLE)
    bench.tables.profiles = []  # the toy alone judges
    bench.start()
    bench.pack([reading(1, 0, 31.0), clock(1)]).run()
    assert bench.tables.shown[1] == Shown("breach", us(0))
    bench.pack([clock(599), clock(600)]).run()
    assert bench.tables.shown[1] == Shown("in_range", us(600))


def test_time_leaves_a_silent_point_unknown() -> None:
    bench = Bench(1, table=TOY_TABLE)
    bench.pack([reading(1, 0, 31.0), clock(0), *(clock(second) for second in range(1, 602, 2))]).run()
    assert one(bench, "toy_hot", 2).detail == {"reason": "stuck"}
    assert bench.tables.shown[1].state == "unknown"


def test_a_rule_that_judges_by_profile_is_not_ticked_without_a_row() -> None:
    seen: list[Profile | None] = []

    def tick(hot: Hot, stream_us: int, profile: Profile | None) -> Stepped:
        seen.append(profile)
        return Stepped(hot)

    strict = replace(TOY_HOT, name="strict", tick=tick, by_profile=True)
    row = Profile(name="p", version=1, metric="temperature", ends_us=us(30))
    bench = Bench(1, table=TABLE.and_rules(point=[strict]))
    bench.tables.profiles = [row]
    bench.start()
    bench.pack([reading(1, 0, 31.0), clock(0)]).pack([clock(20)]).pack([clock(40)]).run()
    assert seen == [row, row]
    bench.pack([reading(1, 60, 31.0)]).run()
    assert one(bench, "strict", 2).detail == {"reason": "profile_gone"}


def test_a_device_rule_hears_refusals_and_readings() -> None:
    bench = Bench(1, table=TOY_TABLE)
    bench.pack([refused("d0", "bad_json", second) for second in (1, 2, 3, 4)])
    bench.pack([reading(1, 5, 4.0)]).run()
    assert changes(bench, "toy_chatter") == [Change.OPENED, Change.CLOSED]
    assert one(bench, "toy_chatter", 2).end_us == us(5)


def test_retiring_ends_the_toys_too() -> None:
    bench = Bench(1, table=TOY_TABLE)
    bench.pack([reading(1, 60, 31.0), *(refused("d0", "bad_json", second) for second in (61, 62, 63))]).run()
    bench.tables.devices = [msgspec.structs.replace(device, retired_us=us(70)) for device in devices(1)]
    bench.tables.changes += 1
    bench.judge.registry.put(bench.tables.devices)
    bench.pack([clock(400)]).run()
    assert changes(bench, "toy_hot") == changes(bench, "toy_chatter") == [Change.OPENED, Change.CLOSED]
    assert one(bench, "toy_hot", 2).detail == {"reason": "retired"}


@pytest.mark.parametrize("split", range(1, 8))
def test_a_restart_changes_nothing_of_them(split: int) -> None:
    packs = [
        [reading(1, 0, 31.0), refused("d0", "bad_json", 1)], [refused("d0", "bad_json", 2)], [reading(1, 60, 33.0)],
        [clock(61)], [refused("d0", "x", 62), refused("d0", "y", 63), refused("d0", "z", 64)], [clock(65)],
        [reading(1, 120, 4.0)], [clock(121)],
    ]  # fmt: skip
    whole, parted = Bench(1, table=TOY_TABLE), Bench(1, table=TOY_TABLE)
    for number, pack in enumerate(packs):
        whole.pack(pack).run()
        parted.pack(pack).run()
        if number == split:
            parted.judge.stop()
            parted.start()
    assert parted.tables.findings == whole.tables.findings
    assert {f.rule for f in whole.tables.findings.values()} >= {"toy_hot", "toy_chatter"}
    assert whole.judge.slots.get(READINGS) is not None
