"""Clock lines: one per partition at a time, and none while the one before is not confirmed."""

from ingest.clocks import Clocks
from ingest.packer import PackLane
from schemas.reading import CLOCK, decode_lines


def test_a_partition_gets_its_next_line_when_the_one_before_is_confirmed() -> None:
    lanes = [PackLane(), PackLane()]
    clocks = Clocks(lanes, "run-1")
    clocks.write(1)
    for lane in lanes:
        lane.take()
    lanes[0].confirm()
    clocks.write(2)
    clocks.write(3)
    found = [lane.take() for lane in lanes]
    assert found[1] is None
    assert found[0] is not None
    (line,) = decode_lines(b"".join(found[0].lines))
    assert (line.n, line.at, line.d, line.p) == (CLOCK, 2, "run-1", 0)
    assert found[0].count == 0
