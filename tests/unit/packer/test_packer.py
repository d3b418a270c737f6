"""Packs: bounded, in order, with running totals; tickets complete when all they wait for is confirmed."""

from ingest.packer import PackLane, Record, RecordLane, Ticket
from schemas.reading import clock_line, reading_line, refused_line

LINE = reading_line(1, 1_700_000_000_000_000, 1, 4.5, 1, 1_700_000_000_000_000)


def test_a_pack_leaves_at_once_and_the_next_when_it_is_confirmed() -> None:
    lane = PackLane()
    lane.add(LINE, 1, Ticket())
    first = lane.take()
    lane.add(LINE, 1, Ticket())
    lane.add(LINE, 1, Ticket())
    assert first is not None
    assert lane.take() is None
    lane.confirm()
    second = lane.take()
    assert second is not None
    assert (first.count, first.total, second.count, second.total) == (1, 1, 2, 3)


def test_headers_say_count_run_and_total() -> None:
    lane = PackLane()
    lane.add(LINE * 2, 2, Ticket())
    pack = lane.take()
    assert pack is not None
    assert pack.headers(b"r1") == [("count", b"2"), ("run", b"r1"), ("total", b"2")]


def test_nothing_waits_nothing_leaves() -> None:
    assert PackLane().take() is None


def test_a_ticket_waits_for_every_lane_that_holds_a_part_of_it() -> None:
    one, two, ticket = PackLane(), PackLane(), Ticket()
    one.add(LINE, 1, ticket)
    two.add(LINE, 1, ticket)
    one.add(LINE, 1, ticket)
    ticket.pending -= 1
    one.take()
    two.take()
    assert one.confirm() == []
    assert two.confirm() == [ticket]


def test_a_ticket_that_is_still_open_is_not_complete() -> None:
    lane, ticket = PackLane(), Ticket()
    lane.add(LINE, 1, ticket)
    lane.take()
    assert lane.confirm() == []
    assert ticket.pending == 1


def test_a_message_above_the_bound_is_cut_between_lines_over_packs() -> None:
    lane, ticket = PackLane(max_bytes=3 * len(LINE)), Ticket()
    lane.add(LINE, 1, None)
    lane.add(LINE * 7, 7, ticket)
    packs = []
    while (pack := lane.take()) is not None:
        packs.append(pack)
        lane.confirm()
    assert [pack.size for pack in packs] == [3 * len(LINE), 3 * len(LINE), 2 * len(LINE)]
    assert [pack.total for pack in packs] == [3, 6, 8]
    assert b"".join(line for pack in packs for line in pack.lines) == LINE * 8
    assert ticket.pending == 1


def test_lines_that_are_no_values_are_not_counted_when_a_message_is_cut() -> None:
    note = refused_line("d1", "clock", 1)
    clock = clock_line(1, "run")
    lane = PackLane(max_bytes=2 * len(LINE))
    lane.add(LINE * 2 + note + clock, 2, Ticket())
    counts = []
    while (pack := lane.take()) is not None:
        counts.append(pack.count)
        lane.confirm()
    assert (counts[0], sum(counts)) == (2, 2)


def test_a_line_above_the_bound_goes_alone() -> None:
    lane = PackLane(max_bytes=10)
    lane.add(b"short\n" + b"x" * 50 + b"\n" + b"short\n", 3, Ticket())
    sizes = []
    while (pack := lane.take()) is not None:
        sizes.append(pack.size)
        lane.confirm()
    assert sizes == [6, 51, 6]


def test_clock_lines_go_behind_what_waits() -> None:
    lane = PackLane()
    lane.add(LINE, 1, Ticket())
    lane.add(clock_line(1, "run"), 0, None)
    pack = lane.take()
    assert pack is not None
    assert b"".join(pack.lines) == LINE + clock_line(1, "run")
    assert pack.count == 1


def test_records_leave_together_within_the_bound() -> None:
    lane = RecordLane(max_bytes=1000)
    tickets = [Ticket() for _ in range(4)]
    for ticket in tickets:
        lane.add(Record(b"k", b"v" * 300), ticket)
        ticket.pending -= 1
    first = lane.take()
    assert first is not None
    assert len(first.records) == 2
    assert lane.take() is None
    assert lane.confirm() == tickets[:2]
    assert lane.take() is not None
    assert lane.confirm() == tickets[2:]


def test_a_record_above_the_bound_leaves_alone() -> None:
    lane = RecordLane(max_bytes=100)
    lane.add(Record(b"k", b"v" * 300), Ticket())
    batch = lane.take()
    assert batch is not None
    assert len(batch.records) == 1
