"""The camera engine under any scores, any splits and any repeats."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from processors.frames.checkpoint import decode_states, encode_states
from processors.frames.engine import CameraState, Scene, step
from processors.frames.vision import CHECKS
from schemas.finding import Change, Finding
from schemas.frame import FrameReference

Shot = tuple[FrameReference, dict[str, float], Scene | None]

score = st.sampled_from([0.0, 0.3, 0.64, 0.65, 0.8, 0.9, 0.95, 1.0])
scores = st.one_of(st.just({}), st.fixed_dictionaries(dict.fromkeys(CHECKS, score)))
scenes = st.one_of(
    st.none(), st.builds(Scene, width=st.just(160), height=st.just(90), edges=st.binary(max_size=8))
)


def shot(at_s: int, seq: int, scored: dict[str, float], scene: Scene | None) -> Shot:
    reference = FrameReference(
        camera="cam-1",
        at_us=at_s * 1_000_000,
        seq=seq,
        received_us=at_s * 1_000_000 + 50_000,
        sha256=f"{at_s:060d}{seq:04d}",
        size_bytes=1,
        width=640,
        height=360,
    )
    return reference, scored, scene


shots = st.lists(
    st.tuples(st.integers(0, 60), st.integers(0, 3), scores, scenes).map(lambda t: shot(*t)), max_size=40
)


def run(state: CameraState, sequence: Sequence[Shot]) -> tuple[CameraState, list[Finding]]:
    findings: list[Finding] = []
    for reference, scored, scene in sequence:
        state, found = step(state, CHECKS.values(), scored, reference, scene)
        findings += found
    return state, findings


@given(shots, st.integers(0, 40))
def test_any_split_with_a_checkpoint_between_is_the_same_run(sequence: list[Shot], split: int) -> None:
    whole = run(CameraState(), sequence)
    first, early = run(CameraState(), sequence[:split])
    restored = decode_states(encode_states({"cam-1": first}))["cam-1"]
    assert restored == first
    last, late = run(restored, sequence[split:])
    assert (last, early + late) == whole


@given(shots)
def test_resends_and_latecomers_change_nothing(sequence: list[Shot]) -> None:
    state, findings = run(CameraState(), sequence)
    assert run(state, sequence) == (state, [])
    newest: list[Shot] = []
    for one in sequence:
        if not newest or (one[0].at_us, one[0].seq) > (newest[-1][0].at_us, newest[-1][0].seq):
            newest.append(one)
    assert run(CameraState(), newest) == (state, findings)


@given(shots)
def test_findings_open_once_close_once_and_tell_a_true_span(sequence: list[Shot]) -> None:
    _, findings = run(CameraState(), sequence)
    open_ids: dict[str, Finding] = {}
    for finding in findings:
        check = next(c for c in CHECKS.values() if c.rule == finding.rule)
        assert finding.peak is not None
        assert finding.peak >= check.limit == finding.limit
        if finding.change is Change.OPENED:
            assert finding.version == 1
            assert finding.end_us is None
            assert finding.rule not in {f.rule for f in open_ids.values()}
            open_ids[finding.id] = finding
        else:
            opened = open_ids.pop(finding.id)
            assert finding.version == 2
            assert finding.end_us is not None
            assert opened.start_us == finding.start_us < finding.end_us <= finding.measured_us


@given(shots)
def test_frames_without_scores_neither_open_nor_close(sequence: list[Shot]) -> None:
    _, findings = run(CameraState(), [(reference, {}, None) for reference, _, _ in sequence])
    assert findings == []
    in_order = sorted((one for one in sequence), key=lambda one: (one[0].at_us, one[0].seq))
    scored = [one for one in in_order if one[1]]
    identities = {(one[0].at_us, one[0].seq) for one in scored}
    blank = [one for one in in_order if not one[1] and (one[0].at_us, one[0].seq) not in identities]
    mixed = sorted(scored + blank, key=lambda one: (one[0].at_us, one[0].seq))
    assert run(CameraState(), mixed)[1] == run(CameraState(), scored)[1]
