"""An episode's id: its first judged start and which of that start it is; nothing is lost on one id."""

from dataclasses import dataclass

import pytest

from processors.frames.engine import CameraState
from processors.frames.engine import step as step_frame
from processors.judge.rule import Said, first_of
from processors.worker import meters
from processors.worker.memory import MemoryBooks, write_findings
from processors.worker.work import FindingRow
from schemas.finding import Change, Finding, First, Severity, finding_id
from schemas.frame import FrameReference
from schemas.profile import Profile
from tests.judging import PROFILES, READINGS, Bench, reading, refused, us


@dataclass(frozen=True)
class Quick:
    """A check whose faults need not last."""

    name: str
    rule: str
    severity: Severity
    limit: float
    hold_us: int


def findings(bench: Bench, rule: str) -> list[Finding]:
    found = [f for f in bench.tables.findings.values() if f.rule == rule]
    return sorted(found, key=lambda f: (f.id, f.version))


def test_two_wrong_clocks_in_one_chunk_are_two_findings() -> None:
    bench = Bench(1)
    wrong = reading(1, 81, 4.0, r=20)
    bench.pack([refused("d0", "clock", 20), reading(1, 20, 4.0), reading(1, 20, 4.0, seq=1), wrong])
    bench.run()
    found = findings(bench, "clock")
    opened = [f for f in found if f.change is Change.OPENED]
    assert len({f.id for f in opened}) == len(opened) == 2
    assert {f.start_us for f in opened} == {us(20)}


def test_two_excursions_of_one_instant_are_two_findings() -> None:
    bench = Bench(1)
    bench.tables.profiles = [
        Profile(name="p", version=1, metric="temperature", high=8, dwell_us=0, hysteresis=0, hysteresis_samples=1),
        *PROFILES[1:],
    ]  # fmt: skip
    bench.start()
    bench.pack([reading(1, 10, value, seq=seq) for seq, value in enumerate((9.0, 4.0, 9.5, 4.0))])
    bench.run()
    found = findings(bench, "excursion")
    assert len(found) == 4
    assert len({f.id for f in found}) == 2
    assert {(f.change, f.version) for f in found} == {(Change.OPENED, 1), (Change.CLOSED, 2)}


def test_a_start_that_is_amended_keeps_its_id() -> None:
    told: dict[str, First] = {}
    opened = Said(Change.OPENED, 1, Severity.YELLOW, 100)
    assert first_of(told, "r", opened) == First(100)
    assert first_of(told, "r", Said(Change.AMENDED, 2, Severity.YELLOW, 40)) == First(100)
    assert first_of(told, "r", Said(Change.CLOSED, 3, Severity.YELLOW, 40, 200)) == First(100)
    assert first_of(told, "r", opened) == First(100, 1)


def test_an_episode_told_before_starts_were_kept_ends_under_its_old_id() -> None:
    told: dict[str, First] = {}
    assert first_of(told, "r", Said(Change.CLOSED, 2, Severity.YELLOW, 100, 200)) == First(100)
    assert first_of(told, "r", Said(Change.OPENED, 1, Severity.YELLOW, 100)) == First(100, 1)


def test_the_first_episode_of_a_start_has_the_id_it_always_had() -> None:
    assert finding_id("d/temperature", "excursion", 5) == finding_id("d/temperature", "excursion", 5, 0)
    assert finding_id("d/temperature", "excursion", 5) != finding_id("d/temperature", "excursion", 5, 1)


def test_two_faults_of_one_instant_of_a_camera_are_two_findings() -> None:
    quick = Quick("black", "camera_black", Severity.ORANGE, limit=0.5, hold_us=0)
    state, found = CameraState(), []
    for seq, score in enumerate((0.9, 0.9, 0.0, 0.0, 0.9, 0.9)):
        frame = FrameReference(
            camera="cam", at_us=10, seq=seq, received_us=20, sha256=str(seq), size_bytes=1, width=1, height=1
        )
        state, more = step_frame(state, [quick], {"black": score}, frame)
        found += more
    opened = [f for f in found if f.change is Change.OPENED]
    assert len({f.id for f in opened}) == len(opened) == 2


def test_versions_that_fall_on_one_id_are_counted() -> None:
    made = Finding(
        id=finding_id("d", "clock", 1), version=1, change=Change.OPENED, subject="d", device="d", rule="clock",
        severity=Severity.YELLOW, start_us=1, measured_us=1, received_us=1,
    )  # fmt: skip
    before = meters.FINDINGS_COLLIDED._value.get()
    books = MemoryBooks()
    assert write_findings(books, "judge", [FindingRow(READINGS, "e", made)]) == 1
    assert write_findings(books, "judge", [FindingRow(READINGS, "e", made)]) == 0
    assert meters.FINDINGS_COLLIDED._value.get() == before + 1


@pytest.mark.parametrize("ordinal", [1, 2])
def test_ids_of_one_start_differ_by_their_ordinal(ordinal: int) -> None:
    assert finding_id("d", "clock", 1, ordinal) != finding_id("d", "clock", 1, ordinal - 1)
