"""Checkpoints of every format that was ever written are read, and judging goes on from them."""

from pathlib import Path

import msgspec
import pytest

from processors.frames import checkpoint as frames_checkpoint
from processors.judge.checkpoint import decode_state, encode_state
from processors.judge.engine import judge
from processors.judge.judged import Judged
from processors.judge.registry_view import RegistryView
from processors.judge.rules import TABLE
from processors.judge.state import PartitionState
from processors.judge.table import RuleTable
from schemas.errors import Permanent
from schemas.finding import Change, First
from schemas.reading import decode_lines
from tests.judging import BASE_US, PROFILES, devices, reading

CASES = Path(__file__).resolve().parents[2] / "cases" / "checkpoints"
METRICS = ("temperature", "open")


def registry() -> RegistryView:
    return RegistryView(devices(5, METRICS), PROFILES)


def read(name: str, table: RuleTable = TABLE) -> PartitionState:
    return decode_state((CASES / name).read_bytes(), registry(), table)


def kept(state: PartitionState) -> dict[str, set[str]]:
    """By rule name, the subjects of which something goes on."""
    found: dict[str, set[str]] = {}
    for point in state.points.values():
        for rule, what in zip(point.rules, point.states, strict=True):
            if what is not None:
                found.setdefault(rule.name, set()).add(f"{point.facts.device}/{point.facts.metric}")
    for device in state.devices.values():
        for rule, what in zip(state.table.device, device.states, strict=True):
            if what is not None:
                found.setdefault(rule.name, set()).add(device.id)
    return found


@pytest.mark.parametrize("name", ["judge-1.json", "judge-2.json"])
def test_a_checkpoint_of_any_format_has_what_went_on(name: str) -> None:
    assert kept(read(name)) == {
        "door_open": {"d0/open"}, "excursion": {"d1/temperature"}, "silence": {"d2", "d4"},
        "clock": {"d3", "d4"}, "refused": {"d4"},
    }  # fmt: skip


@pytest.mark.parametrize("name", ["judge-1.json", "judge-2.json"])
def test_judging_goes_on_and_ends_under_the_ids_that_were_told(name: str) -> None:
    state, judged, view = read(name), Judged(), registry()
    opened = {rule: first for point in state.points.values() for rule, first in point.told.items()}
    lines = b"".join(reading(3, at, 4.0) + reading(2, at, 0.0) for at in (500, 560, 620))
    judge(state, decode_lines(lines), view, judged)
    ended = {f.rule: f for f in judged.findings if f.change is Change.CLOSED}
    assert ended.keys() >= {"excursion", "door_open"}
    assert {f.version for f in ended.values()} == {2}
    assert all(ended[rule].start_us == first.start_us for rule, first in opened.items())
    assert "excursion" not in kept(state)


@pytest.mark.parametrize("name", ["judge-1.json", "judge-2.json"])
def test_written_again_it_is_of_todays_format_and_says_the_same(name: str) -> None:
    state = read(name)
    again = decode_state(encode_state(state), registry())
    assert msgspec.json.decode(encode_state(state))["format"] == 2
    assert kept(again) == kept(state)
    assert encode_state(again) == encode_state(state)


def test_a_rule_that_is_not_in_the_checkpoint_starts_empty_and_one_that_went_is_dropped() -> None:
    fewer = RuleTable(point=TABLE.point[1:], device=TABLE.device[1:])
    state = read("judge-2.json", fewer)
    assert kept(state) == {"door_open": {"d0/open"}, "clock": {"d3", "d4"}, "refused": {"d4"}}
    more = decode_state(encode_state(state), registry())
    assert kept(more) == kept(state)


def test_a_field_that_went_is_dropped_and_a_new_one_takes_its_default() -> None:
    text = (CASES / "judge-2.json").read_bytes()
    changed = text.replace(b'"inside_us":0,', b'"went_us":7,')
    assert changed != text
    assert kept(decode_state(changed, registry())) == kept(read("judge-2.json"))


@pytest.mark.parametrize(
    "text",
    [
        b'{"format":99}',
        b"not JSON",
        b'{"format":2,"points":[[77,0,0,0,0,"",0,[]]],"devices":[],"stream_us":0,"stalls":[],"totals":{}}',
        b'{"points":[[77,0,0,0,0,"",0,null,null,[]]],"devices":[],"stream_us":0,"stalls":[],"totals":{}}',
    ],
    ids=["a later format", "foreign bytes", "a point that is not registered", "the same in format 1"],
)
def test_what_cannot_be_read_says_what_to_do_in_both_languages(text: bytes) -> None:
    with pytest.raises(Permanent, match=r"检查点无法读取.*checkpoint = null.*cannot be read") as error:
        decode_state(text, registry())
    assert "Start the version that wrote it" in str(error.value)


@pytest.mark.parametrize("name", ["frames-1.json", "frames-2.json"])
def test_cameras_of_any_format_are_read(name: str) -> None:
    cameras = frames_checkpoint.decode_states((CASES / name).read_bytes())
    assert cameras["cam-1"].episodes["black"].version == 1
    assert frames_checkpoint.decode_states(frames_checkpoint.encode_states(cameras)) == cameras


def test_a_camera_may_be_called_format() -> None:
    cameras = frames_checkpoint.decode_states(b'{"format":{"at_us":5,"seq":1}}')
    assert cameras["format"].at_us == 5


@pytest.mark.parametrize("text", [b'{"format":99,"cameras":{}}', b"[]", b"not JSON"])
def test_cameras_that_cannot_be_read_say_what_to_do(text: bytes) -> None:
    with pytest.raises(Permanent, match=r"检查点无法读取.*cannot be read"):
        frames_checkpoint.decode_states(text)


def test_the_newest_fixture_knows_the_first_judged_starts() -> None:
    told = read("judge-2.json").points[3].told
    assert told == {"excursion": First(BASE_US + 60_000_000, 0)}
