"""The turn loop of every worker: records in, one transaction a batch out, checkpoints where they save something.

Stepped first, once; then written, as often as it takes. What is a role's own it says by the hooks of `Turns`. All of it
runs in the one writer thread.
"""

import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar, Final, Generic, Protocol, TypeVar

from processors.worker import meters
from processors.worker.partitions import Slot, Slots, State, Turn
from processors.worker.patience import Patience
from processors.worker.work import Advance, Claim, Outcome, Place, Record
from schemas.rejection import Rejection
from schemas.topics import Topic

CLAIM_LIMIT_S: Final = 25.0
REFRESH_S: Final = 1.0
MOST_NOTICES: Final = 1_000
"""Kept for the devices; what is behind it is in the rejections all the same."""


class Batch(Protocol):
    """All that one transaction writes."""

    advances: list[Advance]


Work = TypeVar("Work", bound=Batch)
Written = TypeVar("Written", contravariant=True)


class Store(Protocol[Written]):
    """What the loop needs of a role's store; each raises Temporary, Permanent or Fenced."""

    def claim(self, starts: Mapping[Place, int], topic_ids: Mapping[str, str]) -> dict[Place, Claim]: ...
    def write(self, work: Written) -> Outcome: ...


class Turns(ABC, Generic[State, Work]):
    """A handler of `worker.app`: holds the state of the owned partitions and writes through `store` (or its twin)."""

    topics: ClassVar[tuple[Topic, ...]]
    cheap_bytes: ClassVar[int] = 0
    """So many bytes of records are read again without a thought: no checkpoint hurries because of them."""

    def __init__(self, store: Store[Work], checkpoint_interval_s: float) -> None:
        self.patience = Patience()
        self.slots: Slots[State] = Slots()
        self.notices: deque[Rejection] = deque(maxlen=MOST_NOTICES)
        self._store = store
        self._interval_s = checkpoint_interval_s
        self._refreshed_s = -REFRESH_S

    # ------------------------------------------------------------------ a role's own

    @abstractmethod
    def blank(self) -> Work:
        """A batch with nothing in it."""

    @abstractmethod
    def slices(self, records: Sequence[Record]) -> Iterable[list[Record]]:
        """The records in transactions of a bounded size, however much has piled up."""

    @abstractmethod
    def take(self, slot: Slot[State], record: Record, work: Work) -> None:
        """Steps the slot's state by one record and puts into `work` what it comes to."""

    @abstractmethod
    def encode(self, slot: Slot[State], work: Work) -> bytes | None:
        """The state's text for a checkpoint; what belongs into the same transaction goes into `work`."""

    @abstractmethod
    def restore(self, text: bytes | None) -> State:
        """The state of a checkpoint's text, or a new one. Raises Permanent when it cannot be read."""

    @abstractmethod
    def measure(self, work: Work, outcome: Outcome, began_s: float) -> None:
        """A batch is committed."""

    def conclude(self, work: Work) -> None:
        """All records of the batch are taken: the last words on its advances."""

    def refresh(self) -> None:
        """Learns what has changed outside: before a claim, and once a REFRESH_S before a batch. Raises Temporary."""

    # ------------------------------------------------------------------ called by the app

    def claim(
        self, starts: dict[Place, int], topic_ids: dict[str, str]
    ) -> tuple[dict[Place, int], dict[Place, int]]:
        """Makes the partitions ours. Returns where to read each from, and its next position."""

        def claim() -> dict[Place, Claim]:
            self.refresh()
            return self._store.claim(starts, topic_ids)

        claims = self.patience.insist(claim, CLAIM_LIMIT_S)
        seek = self.slots.claimed(claims.values(), starts, self.restore, time.monotonic())
        return seek, {place: claim.next for place, claim in claims.items()}

    def handle(self, records: Sequence[Record]) -> bool:
        """Steps and commits the records. True when findings or notices were made."""
        now_s = time.monotonic()
        if now_s - self._refreshed_s >= REFRESH_S:
            self._refreshed_s = now_s
            self.patience.insist(self.refresh)
        made = [self._turn(part) for part in self.slices(records)]
        return any(made)

    def idle(self) -> bool:
        """Called once a second between batches: checkpoints partitions that have stood still, a busy one never.

        True when findings were made.
        """
        now_s = time.monotonic()
        for slot in self.slots:
            if slot.stands_still() and slot.due(now_s, self._interval_s, len(self.slots)):
                self._checkpoint(slot)
        return False

    def stop(self) -> None:
        """A clean end: the next owner has nothing to read again."""
        for slot in self.slots:
            if slot.next == slot.expected > slot.checkpoint:
                self._checkpoint(slot)

    # ------------------------------------------------------------------ one transaction

    def _turn(self, records: Sequence[Record]) -> bool:
        began_s = time.monotonic()
        work = self.blank()
        advances: dict[Place, Advance] = {}
        for record in records:
            slot = self.slots.get(record.place)
            turn = slot.turn(record) if slot else Turn.SKIP
            if slot is None or turn is Turn.SKIP:
                continue
            if turn is Turn.REBUILD:
                self.take(slot, record, self.blank())
                continue
            first = Advance(record.place, record.position, record.position)
            advances.setdefault(record.place, first).next = record.position + 1
            self.take(slot, record, work)
        if not advances:
            return False
        work.advances = list(advances.values())
        self.conclude(work)
        self._maybe_checkpoint(work)
        outcome = self._commit(work)
        self.measure(work, outcome, began_s)
        return outcome.findings > 0 or bool(outcome.refused)

    def _commit(self, work: Work) -> Outcome:
        outcome = self.patience.insist(lambda: self._store.write(work))
        self.notices.extend(outcome.refused)
        now_s = time.monotonic()
        for advance in work.advances:
            if slot := self.slots.get(advance.place):
                slot.committed(advance, now_s)
        return outcome

    # ------------------------------------------------------------------ checkpoints

    def _maybe_checkpoint(self, work: Work) -> None:
        """At most one partition a batch, the one that has waited longest: the cost is spread."""
        now_s, count = time.monotonic(), len(self.slots)
        slots = [(slot, advance) for advance in work.advances if (slot := self.slots.get(advance.place))]
        due = [
            (slot, advance)
            for slot, advance in slots
            if slot.due_while_busy(now_s, self._interval_s, count, self.cheap_bytes)
        ]
        if due:
            self._put_checkpoint(*min(due, key=lambda pair: pair[0].checkpointed_s), work)

    def _checkpoint(self, slot: Slot[State], work: Work | None = None) -> None:
        """Writes the slot's checkpoint, and `work` with it."""
        work = work or self.blank()
        work.advances = [Advance(slot.place, slot.next, slot.next)]
        self._put_checkpoint(slot, work.advances[0], work)
        self._commit(work)

    def _put_checkpoint(self, slot: Slot[State], advance: Advance, work: Work) -> None:
        began_s = time.monotonic()
        advance.checkpoint = slot.checkpoint_of(self.encode(slot, work))
        slot.cost_s = time.monotonic() - began_s
        meters.CHECKPOINT_SECONDS.observe(slot.cost_s)
        meters.CHECKPOINT_BYTES.labels(*map(str, slot.place)).set(len(advance.checkpoint.state or b""))
