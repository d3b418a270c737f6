"""Clock lines: two per partition at a time, and none while those before are not confirmed."""

from ingest.clocks import Clocks
from ingest.packer import PackLane
from schemas.reading import CLOCK, Line, decode_lines


def leave(lane: PackLane) -> list[Line]:
    pack = lane.take()
    return decode_lines(b"".join(pack.lines)) if pack is not None else []


def test_a_line_says_who_writes_and_what_time_it_is_and_is_no_value() -> None:
    lane = PackLane()
    Clocks([lane], "run-1").write(7)
    pack = lane.take()
    assert pack is not None
    (line,) = decode_lines(b"".join(pack.lines))
    assert (line.n, line.at, line.d, line.p, pack.count) == (CLOCK, 7, "run-1", 0, 0)
    assert line.seq == 1


def test_time_stops_in_a_partition_that_is_not_confirmed_and_goes_on_in_the_others() -> None:
    stuck, well = PackLane(), PackLane()
    clocks = Clocks([stuck, well], "run-1")
    seen: list[int] = []
    for now_us in range(1, 6):
        clocks.write(now_us)
        stuck.take()
        seen += [line.at for line in leave(well)]
        well.confirm()
    assert seen == [1, 2, 3, 4, 5]
    stuck.confirm()
    assert [line.at for line in leave(stuck)] == [2]
    clocks.write(6)
    stuck.confirm()
    assert [(line.at, line.seq) for line in leave(stuck)] == [(6, 3)]
