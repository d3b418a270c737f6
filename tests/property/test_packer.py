"""Packing loses nothing: every line leaves once, in order, in bounded packs; every ticket completes exactly once."""

from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.packer import PackLane, Ticket
from schemas.reading import reading_line, refused_line

BOUND = 600

message = st.tuples(st.integers(0, 2), st.integers(1, 20), st.booleans())
"""(partition, values, with a refusal's note)."""
steps = st.lists(
    st.one_of(message, st.tuples(st.sampled_from(["take", "confirm"]), st.integers(0, 2))), max_size=60
)


@settings(max_examples=400, deadline=None)
@given(steps)
def test_every_line_leaves_once_in_order_and_every_ticket_completes_once(steps: list[tuple]) -> None:  # type: ignore[type-arg]
    lanes = [PackLane(BOUND) for _ in range(3)]
    put: list[list[bytes]] = [[], [], []]
    left: list[list[bytes]] = [[], [], []]
    totals = [0, 0, 0]
    tickets: list[Ticket] = []
    done: list[Ticket] = []
    number = 0

    def take(partition: int) -> None:
        pack = lanes[partition].take()
        if pack is not None:
            body = b"".join(pack.lines)
            assert len(body) == pack.size <= BOUND
            assert pack.count == body.count(b"\n") - body.count(b'{"p":0,')
            totals[partition] += pack.count
            assert pack.total == totals[partition]
            left[partition] += body.splitlines()

    def confirm(partition: int) -> None:
        if lanes[partition].under_way is not None:
            done.extend(lanes[partition].confirm())

    for step in steps:
        if step[0] == "take":
            take(step[1])
        elif step[0] == "confirm":
            confirm(step[1])
        else:
            partition, values, noted = step
            lines = b""
            for _ in range(values):
                number += 1
                lines += reading_line(1, number, 0, 0.5, 1, number)
            if noted:
                lines += refused_line("d", "clock", number)
            ticket = Ticket()
            lanes[partition].add(lines, values, ticket)
            ticket.pending -= 1
            tickets.append(ticket)
            put[partition] += lines.splitlines()
    for partition, lane in enumerate(lanes):
        confirm(partition)
        while lane.waiting:
            take(partition)
            confirm(partition)
    assert left == put
    assert len(done) == len(tickets)
    assert set(done) == set(tickets)
    assert all(ticket.pending == 0 for ticket in tickets)
