"""The camera engine's words: when a fault opens, what it says, when it is over."""

from processors.frames.engine import FRAMES_TO_CLOSE, FRAMES_TO_OPEN, CameraState, faults, is_news, step
from processors.frames.vision import CHECKS
from schemas.finding import Change, Finding, Severity, finding_id
from schemas.frame import FrameReference

GOOD = {"black": 0.0, "covered": 0.1, "frozen": 0.0}
BLACK = {"black": 0.9, "covered": 0.0, "frozen": 0.0}


def frame(second: int, late_s: int = 0) -> FrameReference:
    return FrameReference(
        camera="cam-1",
        at_us=second * 1_000_000,
        seq=second,
        received_us=(second + late_s) * 1_000_000,
        sha256=f"{second:064d}",
        size_bytes=10,
        width=640,
        height=360,
    )


def run(*scores: dict[str, float]) -> list[Finding]:
    state, findings = CameraState(), list[Finding]()
    for second, scored in enumerate(scores):
        state, found = step(state, CHECKS.values(), scored, frame(second))
        findings += found
    return findings


def test_a_fault_opens_after_two_bad_frames_with_the_time_of_the_first() -> None:
    (opened,) = run(GOOD, BLACK, BLACK | {"black": 0.95}, BLACK)
    assert (FRAMES_TO_OPEN, FRAMES_TO_CLOSE) == (2, 2)
    assert (opened.change, opened.version, opened.rule, opened.subject) == (
        Change.OPENED,
        1,
        "camera_black",
        "cam-1",
    )
    assert (opened.start_us, opened.end_us, opened.measured_us) == (1_000_000, None, 2_000_000)
    assert (opened.severity, opened.peak, opened.limit) == (Severity.ORANGE, 0.95, 0.5)
    assert opened.detail == {"sha256": f"{1:064d}", "worst_sha256": f"{2:064d}"}
    assert opened.id == finding_id("cam-1", "camera_black", 1_000_000)


def test_a_fault_is_over_after_two_good_frames_at_the_first_of_them() -> None:
    _, closed = run(BLACK, BLACK, GOOD, BLACK | {"black": 0.99}, GOOD, GOOD, GOOD)
    assert (closed.change, closed.version, closed.end_us, closed.peak) == (Change.CLOSED, 2, 4_000_000, 0.99)
    assert closed.detail["worst_sha256"] == f"{3:064d}"


def test_one_bad_frame_and_one_between_good_ones_are_no_fault() -> None:
    assert run(BLACK, GOOD, BLACK, GOOD, BLACK, GOOD) == []


def test_a_frame_that_could_not_be_looked_at_is_neither_good_nor_bad() -> None:
    opened, closed = run(BLACK, {}, BLACK, {}, GOOD, {}, GOOD)
    assert (opened.start_us, opened.measured_us, closed.end_us) == (0, 2_000_000, 4_000_000)


def test_two_faults_at_once_are_two_findings() -> None:
    both = {"black": 0.0, "covered": 0.9, "frozen": 1.0}
    assert {f.rule for f in run(both, both, both)} == {"camera_covered", "camera_frozen"}


def test_frozen_must_last_a_second_and_a_half() -> None:
    frozen = {"black": 0.0, "covered": 0.0, "frozen": 1.0}
    assert run(frozen, frozen) == []
    assert [f.measured_us for f in run(frozen, frozen, frozen)] == [2_000_000]


def test_a_second_fault_has_another_id() -> None:
    first, _, second = run(BLACK, BLACK, GOOD, GOOD, BLACK, BLACK)
    assert first.id != second.id
    assert second.version == 1


def test_what_came_late_is_marked_so() -> None:
    state, _ = step(CameraState(), CHECKS.values(), BLACK, frame(0, 500))
    _, (opened,) = step(state, CHECKS.values(), BLACK, frame(2, 500))
    assert opened.late


def test_a_resend_and_a_latecomer_are_no_news() -> None:
    state, _ = step(CameraState(), CHECKS.values(), BLACK, frame(5))
    assert not is_news(state, frame(5))
    assert not is_news(state, frame(4))
    assert step(state, CHECKS.values(), BLACK, frame(4)) == (state, [])
    assert is_news(state, frame(6))


def test_the_faults_of_one_frame_are_the_checks_it_fails() -> None:
    assert faults(CHECKS.values(), {"black": 0.5, "covered": 0.64, "frozen": 0.9}) == ["black", "frozen"]
    assert faults(CHECKS.values(), {}) == []
