"""The judge under any stream: duplicates, splits, crashes and gaps change nothing that they must not change."""

import random
from itertools import accumulate, pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from processors.judge import pace
from processors.judge.checkpoint import decode_state, encode_state
from processors.judge.engine import judge
from processors.judge.judged import Judged
from processors.judge.offline import episodes_of, judge_stored
from processors.judge.registry_view import RegistryView
from processors.judge.state import PartitionState
from schemas.finding import Finding
from schemas.reading import decode_lines
from tests.judging import (
    INTERVAL_S,
    PROFILES,
    READINGS,
    Bench,
    clock,
    devices,
    reading,
    refused,
    us,
)

VALUES = st.sampled_from([4.0, 7.8, 7.4, 8.0, 8.5, 9.0, 11.0, 13.0, -1.0, 0.4])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("reading"), st.integers(1, 4), VALUES, st.sampled_from([1, 1, 1, 3])),
        st.tuples(st.just("clock"), st.just(0), st.just(0.0), st.just(1)),
        st.tuples(st.just("refused"), st.integers(0, 1), st.sampled_from(["bad_json", "clock"]), st.just(1)),
    ),
    min_size=5,
    max_size=120,
)
GAPS = st.sampled_from([1, 2, 2, 20, 30, 60, 130, 400])


@st.composite
def streams(draw: st.DrawFn) -> list[bytes]:
    """Lines in the order of their received times; each reading ahead of its point's last one."""
    now, lines = 10.0, [clock(10)]
    for kind, number, value, quality in draw(STEPS):
        now += draw(GAPS)
        if kind == "reading":
            ahead = 90 if quality == 3 else 0
            lines.append(reading(number, now + ahead, value, q=quality, r=now + 0.25))
        elif kind == "clock":
            lines.append(clock(now))
        else:
            lines.append(refused(f"d{number}", str(value), now + 0.5))
    return lines


def book() -> RegistryView:
    return RegistryView(devices(2, ("temperature", "humidity")), PROFILES)


def run(lines: list[bytes]) -> tuple[PartitionState, Judged]:
    state, judged = PartitionState(), Judged()
    judge(state, decode_lines(b"".join(lines)), book(), judged)
    return state, judged


def by_version(findings: list[Finding]) -> dict[tuple[str, int], Finding]:
    assert len({(f.id, f.version) for f in findings}) == len(findings), "told twice"
    return {(f.id, f.version): f for f in findings}


@settings(deadline=None, max_examples=150)
@given(streams(), st.randoms(use_true_random=False))
def test_duplicates_anywhere_change_nothing(lines: list[bytes], chance: random.Random) -> None:
    doubled = list(lines)
    for index in sorted((chance.randrange(len(lines)) for _ in range(10)), reverse=True):
        if b"clock" not in lines[index][-10:]:
            doubled.insert(chance.randrange(index + 1, len(doubled) + 1), lines[index])
    state, judged = run(lines)
    state_doubled, judged_doubled = run(doubled)
    assert by_version(judged_doubled.findings) == by_version(judged.findings)
    assert len(judged_doubled.rows) == len(judged.rows)
    assert encode_state(state_doubled) == encode_state(state)


@settings(deadline=None, max_examples=150)
@given(streams(), st.lists(st.integers(0, 130), max_size=6))
def test_splitting_anywhere_changes_nothing_through_the_checkpoint_too(
    lines: list[bytes], cuts: list[int]
) -> None:
    state, judged = run(lines)
    split_state, split = PartitionState(), Judged()
    edges = [0, *sorted(cut for cut in cuts if cut < len(lines)), len(lines)]
    for begin, end in pairwise(edges):
        split_state = decode_state(encode_state(split_state), book())
        judge(split_state, decode_lines(b"".join(lines[begin:end])), book(), split)
    assert split.findings == judged.findings
    assert split.rows == judged.rows
    assert split.shown == judged.shown
    assert encode_state(split_state) == encode_state(state)


@settings(deadline=None)
@given(streams())
def test_the_state_is_the_same_after_json(lines: list[bytes]) -> None:
    state, _ = run(lines)
    assert encode_state(decode_state(encode_state(state), book())) == encode_state(state)


@settings(deadline=None)
@given(st.lists(st.sampled_from([20, 60, 119, 120, 121, 500, 601, 900, 86_400]), min_size=1, max_size=40))
def test_silence_neither_extends_nor_ends_a_breach(gaps: list[int]) -> None:
    times = list(accumulate(gaps, initial=0))
    usual = [pace.NONE]
    for gap in gaps:
        usual.append(pace.note(usual[-1], us(gap) - us(0), 0, us(INTERVAL_S) - us(0)))
    slacks = [max(600, 3 * pace.interval_us(p, us(INTERVAL_S) - us(0)) / 1e6) for p in usual[1:]]
    counted = (gap if gap <= slack else 0 for gap, slack in zip(gaps, slacks, strict=True))
    measured = list(accumulate(counted, initial=0))
    _, judged = run([reading(1, at, 9.0) for at in times])
    reached = [at for at, sum_s in zip(times, measured, strict=True) if sum_s >= 300]
    found = [f for f in judged.findings if f.rule == "excursion"]
    assert [f.measured_us for f in found] == [us(at) for at in reached[:1]]
    assert all(f.start_us == us(0) and f.end_us is None for f in found)


@settings(deadline=None)
@given(streams(), st.randoms(use_true_random=False))
def test_the_offline_run_over_the_rows_finds_what_the_live_lane_found(
    lines: list[bytes], chance: random.Random
) -> None:
    _, judged = run(lines)
    rows = [line for line in decode_lines(b"".join(lines)) if line.p]
    chance.shuffle(rows)
    live = episodes_of(f for f in judged.findings if f.rule == "excursion")
    assert judge_stored(rows, book()) == live


PACKS = st.lists(
    st.lists(
        st.tuples(st.integers(1, 5), st.integers(0, 12), st.sampled_from([4.0, 9.0, 9.5]), st.integers(0, 1)),
        max_size=8,
    ),
    min_size=1,
    max_size=12,
)


def bench_of(packs: list[list[tuple[int, int, float, int]]], junk: bool) -> Bench:
    """Packs with repeats, conflicts, late ones and points that do not exist; now and then a foreign record."""
    bench = Bench(4)
    for number, pack in enumerate(packs):
        lines = [reading(point, at * 30, value, seq=seq, r=400 + number) for point, at, value, seq in pack]
        bench.pack([clock(400 + number), *lines])
        if junk and number % 4 == 1:
            bench.append(b'\xff\x00 {"p":', headers={})
    return bench


@settings(deadline=None)
@given(PACKS, st.integers(1, 4), st.booleans())
def test_the_ledger_balances_after_every_batch(
    packs: list[list[tuple[int, int, float, int]]], batch: int, junk: bool
) -> None:
    bench = bench_of(packs, junk)
    bench.judge = bench.start(checkpoint_interval_s=0)
    bench.run(batch)
    sums = bench.judge.store.ledger()
    settled = sums["stored"] + sums["duplicate"] + sums["quarantined"] + sums["dead_lettered"]
    sent = sum(len(pack) for pack in packs)
    foreign = sum(not record.headers for record in bench.log[READINGS])
    assert sums["accepted"] == settled == sent + foreign
    assert sums["stored"] == len(bench.tables.readings)
    assert not bench.tables.holes


@settings(deadline=None)
@given(PACKS, st.integers(1, 4), st.sets(st.integers(0, 12)), st.booleans())
def test_a_crash_anywhere_changes_nothing(
    packs: list[list[tuple[int, int, float, int]]], batch: int, crashes: set[int], checkpoints: bool
) -> None:
    steady = bench_of(packs, junk=True).run(batch)
    crashing = bench_of(packs, junk=True)
    interval_s = 0 if checkpoints else 1e9
    crashing.judge = crashing.start(interval_s)
    for number in range(len(packs)):
        if records := crashing._unread()[:batch]:
            crashing.judge.handle(records)
            for record in records:
                crashing.read[record.place] = record.position + 1
        if number in crashes:
            crashing.judge = crashing.start(interval_s)
    crashing.run(batch)
    assert crashing.tables.readings == steady.tables.readings
    assert crashing.tables.findings == steady.tables.findings
    assert crashing.tables.rejections == steady.tables.rejections
    assert crashing.tables.rejudge == steady.tables.rejudge
    assert crashing.judge.store.ledger() == steady.judge.store.ledger()
