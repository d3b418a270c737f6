"""A gateway whose clock is wrong: nobody is called silent for it, nobody's silence is hidden, and it is told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.judge import stream_time
from processors.judge.checkpoint import decode_state
from processors.judge.engine import judge
from processors.judge.judged import Judged
from processors.judge.registry_view import RegistryView
from processors.judge.state import PartitionState
from processors.judge.stream_time import GatewayClock, Trust
from schemas.finding import Change, Finding
from schemas.reading import BY_RECORD, CLOCKS_UNDER_WAY, GOOD, QUALITY, SUSPECT, decode_lines
from tests.judging import PROFILES, Bench, clock, devices, line, reading, refused, us

HOUR_S = 3600.0


def findings(bench: Bench, rule: str) -> list[Finding]:
    return [f for f in bench.tables.findings.values() if f.rule == rule]


def served(
    off_s: float, seconds: range, heard: set[int], bench: Bench | None = None, first: int = 1
) -> Bench:
    """A gateway whose clock is off by off_s; point n sends at each second in which it is heard, by its right clock."""
    bench = bench or Bench(2)
    for ordinal, second in enumerate(seconds, first):
        lines = [reading(n, second, 4.0, r=second + off_s) for n in sorted(heard) if second % 60 == 0]
        bench.pack([*lines, clock(second + off_s, ordinal=ordinal)], written=second + 0.02)
    return bench.run()


@pytest.mark.parametrize("off_s", [HOUR_S, -90.0, 0.0, 4.0, -4.0, -HOUR_S])
def test_a_dead_device_is_silent_and_a_living_one_is_not_whatever_the_gateway_believes(off_s: float) -> None:
    bench = served(off_s, range(0, 120), {1, 2})
    bench = served(off_s, range(120, 400), {1}, bench, first=121)
    assert [(f.device, f.change) for f in findings(bench, "silence")] == [("d1", Change.OPENED)]
    assert findings(bench, "clock") == []
    told = [(f.subject, f.device, f.change) for f in findings(bench, "gateway_clock")]
    assert told == ([("ingest/g", "", Change.OPENED)] if abs(off_s) > 5 else [])


def test_a_clock_that_steps_is_told_and_its_end_too() -> None:
    bench = served(0.0, range(0, 100), {1, 2})
    bench = served(HOUR_S, range(100, 200), {1, 2}, bench, first=101)
    bench = served(0.0, range(200, 300), {1, 2}, bench, first=201)
    bench = served(-90.0, range(300, 400), {1, 2}, bench, first=301)
    bench = served(0.0, range(400, 500), {1, 2}, bench, first=401)
    assert findings(bench, "silence") == []
    assert [(f.change, f.start_us, f.end_us) for f in findings(bench, "gateway_clock")] == [
        (Change.OPENED, us(100.02), None),
        (Change.CLOSED, us(100.02), us(200.02)),
        (Change.OPENED, us(300.02), None),
        (Change.CLOSED, us(300.02), us(400.02)),
    ]


def test_what_a_wrong_gateway_received_is_stored_with_the_records_time_and_marked() -> None:
    bench = served(-90.0, range(0, 61), {1})
    row = bench.tables.readings[(1, us(60), 0)]
    assert (row.quality, row.received_us) == (GOOD | BY_RECORD, us(60.02))
    right = served(0.0, range(0, 61), {1}).tables.readings[(1, us(60), 0)]
    assert (right.quality, right.received_us) == (GOOD, us(60))


def test_suspicion_by_the_gateways_clock_is_thought_again() -> None:
    written_us = us(100.0)
    behind = line(reading(1, 100, 4.0, q=SUSPECT, r=10))
    assert stream_time.by_record(behind, written_us).q == GOOD | BY_RECORD
    ahead = line(reading(1, 200, 4.0, r=3700))
    assert stream_time.by_record(ahead, written_us).q == SUSPECT | BY_RECORD
    for_its_own_sake = line(reading(1, 100, 4.0, q=4, r=10))
    assert stream_time.by_record(for_its_own_sake, written_us).q & QUALITY == 4


def test_an_excursion_is_found_behind_a_gateway_whose_clock_is_behind() -> None:
    bench = Bench(1)
    for second in range(0, 600, 30):
        lines = [reading(1, second, 9.0, q=SUSPECT, r=second - 90)]
        bench.pack([*lines, clock(second - 90, ordinal=second // 30 + 1)], written=second + 0.02)
    bench.run()
    assert [(f.start_us, f.late) for f in findings(bench, "excursion")] == [(us(0), False)]


def test_a_wrong_gateways_refusal_for_time_blames_no_device_and_it_was_heard() -> None:
    bench = served(-HOUR_S, range(0, 70), {1})
    for second in range(70, 400):
        lines = [refused("d0", "clock", second - HOUR_S)] if second % 60 == 0 else []
        bench.pack([*lines, clock(second - HOUR_S, ordinal=second + 1)], written=second + 0.02)
    bench.run()
    assert findings(bench, "clock") == []
    assert [f.subject for f in findings(bench, "silence")] == []


@given(
    st.lists(st.tuples(st.floats(0, 90), st.floats(0, 90)), min_size=1, max_size=40),
    st.floats(-2.4, 2.4),
)
def test_no_waiting_for_kafka_looks_like_a_wrong_clock(
    waits: list[tuple[float, float]], off_s: float
) -> None:
    """Lines leave in order and wait for any time, and so do their confirmations; the gateway keeps its rule."""
    gateways: dict[str, GatewayClock] = {}
    confirmed: list[float] = []
    now = appended = 100.0
    for number, (append_s, confirm_s) in enumerate(waits):
        now += 1.0
        if number >= CLOCKS_UNDER_WAY:
            now = max(now, confirmed[number - CLOCKS_UNDER_WAY])
        appended = max(now, confirmed[-1] if confirmed else 0.0) + append_s
        confirmed.append(appended + confirm_s)
        heard = stream_time.hear(gateways, line(clock(now + off_s, ordinal=number + 1)), us(appended))
        assert heard.findings == []
        assert gateways["g"].trust is not Trust.WRONG


@given(st.floats(5.1, 10_000) | st.floats(-10_000, -5.1), st.lists(st.floats(0, 0.9), min_size=8, max_size=8))
def test_a_clock_that_is_off_is_told_by_its_third_line(off_s: float, waits: list[float]) -> None:
    gateways: dict[str, GatewayClock] = {}
    said = []
    for second, wait_s in enumerate(waits, 1):
        written_s = 20_000.0 + second + (wait_s if off_s < 0 else 0.0)
        text = clock(20_000.0 + second + off_s, ordinal=second)
        heard = stream_time.hear(gateways, line(text), us(written_s))
        said += [(second, finding.change) for finding in heard.findings]
        if second >= 3:
            assert heard.stream_us == us(written_s)
    assert [change for _, change in said] == [Change.OPENED]
    assert said[0][0] <= CLOCKS_UNDER_WAY + 1


def test_a_pack_that_comes_twice_says_nothing_new() -> None:
    gateways: dict[str, GatewayClock] = {}
    for ordinal, at, written in ((1, 0, 0), (2, 1, 60), (2, 1, 70), (3, 2, 70.1), (4, 71, 71)):
        heard = stream_time.hear(gateways, line(clock(100 + at, ordinal=ordinal)), us(100 + written))
        assert heard.findings == []
    assert heard.stream_us == us(171)


def test_only_one_partition_tells_of_a_gateway() -> None:
    bench = Bench(1)
    place = next(iter(bench.log))._replace(partition=3)
    bench.log[place] = []
    bench.start()
    bench.append(clock(HOUR_S, ordinal=1), place, {"run": b"g"}, written=0.0)
    bench.run()
    assert findings(bench, "gateway_clock") == []
    bench.pack([clock(HOUR_S, ordinal=1)], written=0.0)
    bench.run()
    assert len(findings(bench, "gateway_clock")) == 1


def test_the_short_way_never_moves_the_received_time_backwards() -> None:
    state, judged = PartitionState(), Judged()
    registry = RegistryView(devices(1), PROFILES)
    texts = [clock(0), reading(1, 1, 4.0), clock(2), reading(1, 3, 4.0, r=3), reading(1, 4, 4.0, r=8)]
    judge(state, decode_lines(b"".join([*texts, reading(1, 5, 4.0, r=6)])), registry, judged)
    assert state.points[1].received == us(8)
    assert len(judged.rows) == 4


def test_an_older_checkpoint_trusts_the_gateways_it_knows() -> None:
    text = b'{"points":[],"devices":[],"stream_us":0,"stalls":[],"totals":{},"clocks":{"g":%d}}' % us(5)
    found = decode_state(text, RegistryView(devices(1), PROFILES))
    assert found.gateways == {"g": GatewayClock(us(5), us(5), Trust.RIGHT)}
