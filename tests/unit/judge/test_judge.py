"""The judge's handler on the memory store: what is odd ends in its one place, what is committed stays."""

import msgspec
import pytest

from processors.judge.checkpoint import encode_state
from schemas.errors import Fenced
from schemas.rejection import Rejection, encode_rejection
from schemas.result import Result, Verdict, encode_result
from tests.judging import READINGS, REJECTIONS, RESULTS, Bench, clock, reading, refused, us


def codes(bench: Bench) -> list[str]:
    return sorted(row.rejection.code for row in bench.tables.rejections.values())


def test_a_record_that_cannot_be_read_is_kept_and_stops_nothing() -> None:
    bench = Bench()
    bench.append(b"\xff\xfe garbage")
    bench.append(b"")
    bench.pack([reading(1, 0, 4.0)])
    bench.run()
    assert codes(bench) == ["bad_record"]
    assert next(iter(bench.tables.rejections.values())).raw == b"\xff\xfe garbage"
    assert len(bench.tables.readings) == 1


def test_a_bad_line_costs_its_neighbours_nothing() -> None:
    bench = Bench()
    bench.pack([reading(1, 0, 4.0), b'{"p":1,"at":"x"}\n', reading(1, 60, 4.0)], values=3)
    bench.run()
    assert len(bench.tables.readings) == 2
    assert bench.judge.store.ledger() == {
        "accepted": 3, "stored": 2, "duplicate": 0, "quarantined": 0, "dead_lettered": 1,
    }  # fmt: skip
    assert not bench.tables.holes


@pytest.mark.parametrize(
    "line",
    [
        b'{"p":1,"at":9223372036854775807,"v":4.0,"r":1767225600000000}\n',
        b'{"p":1,"at":1767225600000000,"seq":99999999999999999999,"v":4.0,"r":1767225600000000}\n',
        b'{"p":1,"at":1767225600000000,"v":1e999,"r":1767225600000000}\n',
        b'{"p":1,"at":1767225600000000,"v":4.0,"q":70000,"r":1767225600000000}\n',
        b'{"p":1,"at":1767225600000000,"v":4.0}\n',
        b'{"p":1,"at":1567225600000000,"v":4.0,"r":1767225600000000}\n',
        b'{"p":77,"at":1767225600000000,"v":4.0,"r":1767225600000000}\n',
        b'{"p":-5,"at":1767225600000000,"v":4.0,"r":1767225600000000}\n',
        b'{"p":0,"at":1767225600000000,"r":1767225600000000,"d":"nobody","n":"refused:bad_json"}\n',
        b'{"p":0,"at":-5,"d":"g","n":"clock"}\n',
    ],
)
def test_numbers_that_cannot_be_are_dead_lettered(line: bytes) -> None:
    bench = Bench()
    bench.pack([reading(1, -60, 4.0), line, reading(1, 60, 4.0)], values=3)
    bench.run()
    assert codes(bench) == ["bad_record"]
    assert len(bench.tables.readings) == 2


def test_a_pack_that_is_missing_leaves_a_hole() -> None:
    bench = Bench()
    bench.pack([reading(1, 0, 4.0)])
    bench.total += 5
    bench.pack([reading(1, 60, 4.0)])
    bench.run()
    assert bench.tables.holes == {("g", 0, 1)}


def test_a_pack_that_was_written_twice_is_no_hole() -> None:
    bench = Bench()
    bench.pack([reading(1, 0, 4.0)])
    bench.log[READINGS].append(bench.log[READINGS][0]._replace(position=1))
    bench.pack([reading(1, 60, 4.0)])
    bench.run()
    assert not bench.tables.holes
    assert bench.judge.store.ledger() == {
        "accepted": 3, "stored": 2, "duplicate": 1, "quarantined": 0, "dead_lettered": 0,
    }  # fmt: skip


def test_fewer_values_than_the_header_says_is_a_hole() -> None:
    bench = Bench()
    bench.pack([reading(1, 0, 4.0)], values=2)
    bench.run()
    assert bench.tables.holes == {("g", 0, 0)}


def test_rejections_are_booked_where_they_belong() -> None:
    bench = Bench()
    for code, count in (("clock", 3), ("bad_json", 1)):
        rejection = Rejection(code=code, device="d0", received_us=us(0), count=count)
        bench.append(b"raw", REJECTIONS, {"rejection": encode_rejection(rejection), "count": b"%d" % count})
    bench.append(b"raw", REJECTIONS, {"rejection": b"{}"})
    bench.append(b"raw", REJECTIONS, {})
    bench.run()
    assert codes(bench) == ["bad_json", "bad_record", "bad_record", "clock"]
    assert bench.judge.store.ledger() == {
        "accepted": 6, "stored": 0, "duplicate": 0, "quarantined": 3, "dead_lettered": 3,
    }  # fmt: skip


def test_a_large_rejection_stays_in_the_evidence_store() -> None:
    bench = Bench()
    rejection = encode_rejection(Rejection(code="too_large", device="d0", received_us=us(0)))
    bench.append(b"", REJECTIONS, {"rejection": rejection, "stored": b"ab" * 32})
    bench.run()
    (row,) = bench.tables.rejections.values()
    assert (row.raw, row.stored, row.enterprise) == (None, "ab" * 32, "e")


def test_results_of_unknown_devices_and_impossible_times_are_dead_lettered() -> None:
    bench = Bench()
    good = Result(
        device="d0", number="1", at_us=us(0), received_us=us(0), sample="s", item="i", verdict=Verdict.NEGATIVE,
        verdict_raw="-", content_sha256="a",
    )  # fmt: skip
    bad_time = msgspec.structs.replace(good, number="2", sampled_us=-(2**60))
    foreign = msgspec.structs.replace(good, device="nobody")
    for result in (good, bad_time, foreign):
        bench.append(encode_result(result), RESULTS)
    bench.run()
    assert len(bench.tables.results) == 1
    assert codes(bench) == ["bad_record", "bad_record"]


def test_a_device_registered_a_moment_ago_is_known() -> None:
    bench = Bench(number=1)
    bench.pack([reading(1, 0, 4.0)])
    bench.run()
    bench.tables.devices = Bench(number=3).tables.devices
    bench.tables.changes += 1
    bench.pack([reading(3, 0, 4.0), refused("d1", "bad_json", 1)])
    bench.run()
    assert codes(bench) == []
    assert len(bench.tables.readings) == 2


def test_an_idle_judge_checkpoints_what_stands_still() -> None:
    bench = Bench()
    bench.judge = bench.start(checkpoint_interval_s=0.0)
    bench.judge.handle([])
    bench.pack([clock(0), reading(1, 0, 4.0)])
    bench.pack([clock(1), reading(1, 60, 4.0)])
    bench.run()
    bench.judge.idle()
    row = bench.tables.offsets[("judge", READINGS)]
    assert (row.next, row.checkpoint_position, row.pending_values) == (2, 2, 0)


def test_a_stopped_judge_leaves_nothing_to_read_again() -> None:
    bench = Bench()
    bench.pack([clock(0), reading(1, 0, 9.0)])
    bench.run()
    before = encode_state(bench.judge.slots.get(READINGS).state)  # type: ignore[union-attr]
    bench.judge.stop()
    bench.start()
    assert bench.read[READINGS] == 1
    assert encode_state(bench.judge.slots.get(READINGS).state) == before  # type: ignore[union-attr]


def test_the_judge_before_is_fenced() -> None:
    bench = Bench()
    first = bench.judge
    bench.start()
    bench.pack([reading(1, 0, 4.0)])
    with pytest.raises(Fenced):
        first.handle(bench.log[READINGS])
    assert not bench.tables.readings
