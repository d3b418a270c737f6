"""Lines of accepted messages into packs, and which messages wait for which packs. Pure.

Batch while busy: there is no tick. A pack leaves as soon as the one before it on its partition is confirmed,
so packs are small and quick when little comes, and large when much comes. Records of the other topics go
through lanes of the same kind, several to a batch.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from schemas.reading import HEADER_COUNT, HEADER_RUN, HEADER_TOTAL, PACK_MAX_BYTES

NO_READING: Final = b'{"p":0,'
"""How a line begins that is no value: a refusal's note, a clock line."""


class Ticket:
    """A run of messages of one connection that came together: acknowledged together, when `pending` is 0.

    owner: who is told (opaque here). acks: ready PUBACK bytes in order of arrival. size: bytes held until then.
    `pending` counts the packs and batches that hold a part of it, and one for being still open.
    """

    __slots__ = ("acks", "count", "owner", "pending", "size")

    def __init__(self, owner: object = None) -> None:
        self.owner = owner
        self.acks: list[bytes] = []
        self.pending = 1
        self.size = 0
        self.count = 0


class Pack:
    """Lines of one partition. `total` is set when it leaves: the run's values in this partition, its own included."""

    __slots__ = ("count", "last", "lines", "size", "tickets", "total")

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self.size = 0
        self.count = 0
        self.total = 0
        self.tickets: list[Ticket] = []
        self.last: Ticket | None = None

    def hold(self, ticket: Ticket) -> None:
        self.last = ticket
        self.tickets.append(ticket)
        ticket.pending += 1

    def headers(self, run: bytes) -> list[tuple[str, bytes]]:
        return [
            (HEADER_COUNT, b"%d" % self.count),
            (HEADER_RUN, run),
            (HEADER_TOTAL, b"%d" % self.total),
        ]


class PackLane:
    """The packs of one partition: one under way, full ones waiting, one open."""

    __slots__ = ("_full", "_max_bytes", "_open", "_total", "under_way")

    def __init__(self, max_bytes: int = PACK_MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._open = Pack()
        self._full: deque[Pack] = deque()
        self._total = 0
        self.under_way: Pack | None = None

    def add(self, lines: bytes, count: int, ticket: Ticket | None) -> None:
        """Puts whole lines (each with its newline) behind what waits; `count` of them are values."""
        pack = self._open
        size = pack.size + len(lines)
        if size > self._max_bytes:
            self._spill(lines, count, ticket)
            return
        pack.size = size
        pack.count += count
        pack.lines.append(lines)
        if ticket is not pack.last and ticket is not None:
            pack.hold(ticket)

    def _spill(self, lines: bytes, count: int, ticket: Ticket | None) -> None:
        """What does not fit into the open pack goes into the next ones, cut between lines."""
        for piece in _cut(lines, self._max_bytes - self._open.size, self._max_bytes):
            if self._open.lines and self._open.size + len(piece) > self._max_bytes:
                self._full.append(self._open)
                self._open = Pack()
            pack = self._open
            values = min(count, piece.count(b"\n") - piece.count(NO_READING))
            count -= values
            pack.size += len(piece)
            pack.count += values
            pack.lines.append(piece)
            if ticket is not None and ticket is not pack.last:
                pack.hold(ticket)

    @property
    def waiting(self) -> bool:
        return bool(self._full or self._open.lines)

    @property
    def size(self) -> int:
        """Bytes that wait to leave, nothing when they have to wait for the pack under way."""
        if self.under_way is not None:
            return 0
        return self._open.size + sum(pack.size for pack in self._full)

    def take(self) -> Pack | None:
        """The next pack when none is under way; it is then under way until `confirm`."""
        if self.under_way is not None or not self.waiting:
            return None
        if self._full:
            pack = self._full.popleft()
        else:
            pack, self._open = self._open, Pack()
        self._total += pack.count
        pack.total = self._total
        self.under_way = pack
        return pack

    def confirm(self) -> list[Ticket]:
        """The pack under way is safe; returns the tickets that are complete by it, in order of arrival."""
        assert self.under_way is not None
        pack, self.under_way = self.under_way, None
        return settle(pack.tickets)


class Record(msgspec.Struct, frozen=True, gc=False):
    """One Kafka record of a topic other than `readings`."""

    key: bytes
    value: bytes
    headers: tuple[tuple[str, bytes], ...] = ()

    @property
    def size(self) -> int:
        """A bound for its bytes in a batch."""
        extra = sum(len(name) * 3 + len(value) + 16 for name, value in self.headers)
        return len(self.key) + len(self.value) + extra + 64


class Batch:
    """Records of one partition that leave together."""

    __slots__ = ("records", "size", "tickets")

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.tickets: list[Ticket] = []
        self.size = 0


class RecordLane:
    """The records of one partition of another topic, sent like packs."""

    __slots__ = ("_max_bytes", "_waiting", "under_way")

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._waiting: deque[tuple[Record, Sequence[Ticket]]] = deque()
        self.under_way: Batch | None = None

    def add(self, record: Record, ticket: Ticket) -> None:
        ticket.pending += 1
        self.put(record, (ticket,))

    def put(self, record: Record, tickets: Sequence[Ticket]) -> None:
        """A record for tickets that wait for it already."""
        self._waiting.append((record, tickets))

    @property
    def waiting(self) -> bool:
        return bool(self._waiting)

    def take(self) -> Batch | None:
        """As many records as fit, one at least, when nothing is under way."""
        if self.under_way is not None or not self._waiting:
            return None
        batch = Batch()
        while self._waiting:
            record, tickets = self._waiting[0]
            if batch.records and batch.size + record.size > self._max_bytes:
                break
            self._waiting.popleft()
            batch.size += record.size
            batch.records.append(record)
            batch.tickets.extend(tickets)
        self.under_way = batch
        return batch

    def confirm(self) -> list[Ticket]:
        assert self.under_way is not None
        batch, self.under_way = self.under_way, None
        return settle(batch.tickets)


def settle(tickets: Iterable[Ticket]) -> list[Ticket]:
    """One thing each of these tickets waited for is done; returns those that wait for nothing more."""
    done = []
    for ticket in tickets:
        ticket.pending -= 1
        if not ticket.pending:
            done.append(ticket)
    return done


def _cut(lines: bytes, room: int, max_bytes: int) -> Iterable[bytes]:
    """Pieces of whole lines: the first fits into `room` where a line does, each into `max_bytes`."""
    start = 0
    while len(lines) - start > room:
        end = lines.rfind(b"\n", start, start + room) + 1
        if end > start:
            yield lines[start:end]
            start = end
        elif room == max_bytes:  # one line above the bound: no reading has such a line
            end = lines.index(b"\n", start) + 1
            yield lines[start:end]
            start = end
        room = max_bytes
    if start < len(lines):
        yield lines[start:]
