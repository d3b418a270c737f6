"""The gateway's clock lines: what time it is here, written only while that says something about the devices. Pure."""

from typing import Final

from ingest.packer import PackLane, Ticket
from schemas.reading import CLOCKS_UNDER_WAY, clock_line

UNCONFIRMED: Final = CLOCKS_UNDER_WAY
"""Lines of one partition under way at once. Two, so that a confirmation that takes some seconds under full load makes
no gap that looks like a standstill; no more, since none of them says that a device could be heard. The judge counts on
it: that a line is made only when the one two before it is confirmed tells a clock that is behind from a pack that had
to wait, and so no attempt to send needs to stamp its line anew."""


class Clocks:
    """`run` names the gateway process."""

    def __init__(self, lanes: list[PackLane], run: str) -> None:
        self._lanes = lanes
        self._run = run
        self._under_way: list[list[Ticket]] = [[] for _ in lanes]
        self._written = [0] * len(lanes)

    def write(self, now_us: int) -> None:
        """Puts a line behind what waits, in each partition whose lines before it are confirmed.

        While Kafka does not confirm we acknowledge nothing, devices stop sending, and time may not go on without
        them: the judge sees the jump afterwards and gives every device its time.
        """
        for number, lane in enumerate(self._lanes):
            under_way = [ticket for ticket in self._under_way[number] if ticket.pending]
            if len(under_way) < UNCONFIRMED:
                ticket = Ticket()
                self._written[number] += 1
                lane.add(clock_line(now_us, self._run, self._written[number]), 0, ticket)
                ticket.pending -= 1
                under_way.append(ticket)
            self._under_way[number] = under_way
