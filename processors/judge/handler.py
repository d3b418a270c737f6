"""The judge: what a batch of records of `readings`, `results` and `rejections` becomes. Handler of `worker.app`.

Judged first, in pure code, once; then written, as often as it takes. Runs in the one writer thread.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, Protocol

from processors.judge.checkpoint import decode_state, encode_state
from processors.judge.intake import Intake
from processors.judge.judged import Judged
from processors.judge.registry_view import RegistryView
from processors.judge.rules import TABLE
from processors.judge.state import PartitionState
from processors.judge.table import RuleTable
from processors.judge.work import Work
from processors.worker import meters
from processors.worker.partitions import Slot, Slots, Turn
from processors.worker.patience import Patience
from processors.worker.work import Advance, Booking, Claim, Outcome, Place, Record
from schemas.reading import Line
from schemas.topics import READINGS, REJECTIONS, RESULTS

MAX_SLICE_BYTES: Final = 2 * 1024 * 1024
CLAIM_LIMIT_S: Final = 25.0
REFRESH_S: Final = 1.0


class Store(Protocol):
    """What the judge needs of its store; `processors.judge.store` and `processors.judge.memory` have it."""

    def refresh(self, registry: RegistryView) -> bool: ...
    def claim(self, starts: Mapping[Place, int], topic_ids: Mapping[str, str]) -> dict[Place, Claim]: ...
    def write(self, work: Work) -> Outcome: ...


class Judge:
    """Holds the rule state of the owned partitions and writes through `store` (or its twin)."""

    topics: Final = (READINGS, RESULTS, REJECTIONS)

    def __init__(
        self, store: Store, prefix: str, checkpoint_interval_s: float, table: RuleTable = TABLE
    ) -> None:
        self.store = store
        self.patience = Patience()
        self.slots: Slots[PartitionState] = Slots()
        self.registry = RegistryView(missing=self._ask_registry)
        self.intake = Intake(self.registry)
        self._prefix = prefix
        self._table = table
        self._interval_s = checkpoint_interval_s
        self._refreshed_s = -REFRESH_S

    # ------------------------------------------------------------------ called by the app

    def claim(
        self, starts: dict[Place, int], topic_ids: dict[str, str]
    ) -> tuple[dict[Place, int], dict[Place, int]]:
        """Makes the partitions ours. Returns where to read each from, and its next position."""

        def claim() -> dict[Place, Claim]:
            self.store.refresh(self.registry)
            return self.store.claim(starts, topic_ids)

        claims = self.patience.insist(claim, CLAIM_LIMIT_S)
        seek = self.slots.claimed(claims.values(), starts, self._restore, time.monotonic())
        return seek, {place: claim.next for place, claim in claims.items()}

    def handle(self, records: Sequence[Record]) -> bool:
        """Judges and commits the records. True when findings were made."""
        self._refresh()
        made = [self._handle(part) for part in _slices(records)]
        return any(made)

    def idle(self) -> None:
        """Called once a second between batches: checkpoints partitions that have stood still, a busy one never."""
        now = time.monotonic()
        for slot in self.slots:
            if slot.stands_still() and slot.due(now, self._interval_s, len(self.slots)):
                self._checkpoint(slot)

    def stop(self) -> None:
        """A clean end: the next owner has nothing to read again."""
        for slot in self.slots:
            if slot.next == slot.expected > slot.checkpoint:
                self._checkpoint(slot)

    # ------------------------------------------------------------------ one transaction

    def _handle(self, records: Sequence[Record]) -> bool:
        began = time.monotonic()
        work = Work(owner_of=self.intake.owner_of)
        shares: dict[Place, Judged] = {}
        advances: dict[Place, Advance] = {}
        for record in records:
            slot = self.slots.get(record.place)
            turn = slot.turn(record) if slot else Turn.SKIP
            if slot is None or turn is Turn.SKIP:
                continue
            if turn is Turn.WORK:
                advance = advances.setdefault(
                    record.place, Advance(record.place, record.position, record.position)
                )
                advance.next = record.position + 1
                self._take(slot, record, shares.setdefault(record.place, Judged()), work)
            elif self._is_readings(record.place):
                self._take(slot, record, Judged(), Work())
        if not advances:
            return False
        work.advances = list(advances.values())
        for place, judged in shares.items():
            self.intake.share(place, judged, advances[place], work)
            slot = self.slots.get(place)
            if slot and self._is_readings(place) and slot.state.stream_us:
                advances[place].stream_us = slot.state.stream_us
        self._maybe_checkpoint(work)
        outcome = self._commit(work)
        self._measure(work, outcome, began)
        return outcome.findings > 0

    def _take(self, slot: Slot[PartitionState], record: Record, judged: Judged, work: Work) -> None:
        topic = record.place.topic.removeprefix(self._prefix)
        if topic == READINGS.name:
            self.intake.take_pack(slot.state, record, judged, work)
        elif topic == RESULTS.name:
            self.intake.take_result(record, work)
        else:
            self.intake.take_rejection(record, work)

    def _is_readings(self, place: Place) -> bool:
        return place.topic == self._prefix + READINGS.name

    def _commit(self, work: Work) -> Outcome:
        outcome = self.patience.insist(lambda: self.store.write(work))
        now = time.monotonic()
        for advance in work.advances:
            slot = self.slots.get(advance.place)
            if slot:
                slot.committed(advance, now)
        return outcome

    # ------------------------------------------------------------------ checkpoints

    def _maybe_checkpoint(self, work: Work) -> None:
        """At most one partition a batch, the one that has waited longest: the cost is spread."""
        now = time.monotonic()
        slots = [(slot, a) for a in work.advances if (slot := self.slots.get(a.place))]
        due = [(slot, a) for slot, a in slots if slot.due_while_busy(now, self._interval_s, len(self.slots))]
        if due:
            slot, advance = min(due, key=lambda pair: pair[0].checkpointed_s)
            self._put_checkpoint(slot, advance, work)

    def _checkpoint(self, slot: Slot[PartitionState]) -> None:
        work = Work(advances=[Advance(slot.place, slot.next, slot.next)])
        self._put_checkpoint(slot, work.advances[0], work)
        self._commit(work)

    def _put_checkpoint(self, slot: Slot[PartitionState], advance: Advance, work: Work) -> None:
        began = time.monotonic()
        topic = slot.place.topic
        if self._is_readings(slot.place):
            state = slot.state
            advance.checkpoint = slot.checkpoint_of(encode_state(state))
            work.bookings.extend(Booking(topic, d, h, n, n) for (d, h), n in state.take_values().items())
            work.totals.append((slot.place, dict(state.totals)))
            meters.CHECKPOINT_BYTES.labels(*map(str, slot.place)).set(len(advance.checkpoint.state or b""))
        else:
            advance.checkpoint = slot.checkpoint_of(None)
        slot.cost_s = time.monotonic() - began
        meters.CHECKPOINT_SECONDS.observe(slot.cost_s)

    def _restore(self, text: bytes | None) -> PartitionState:
        if text is None:
            return PartitionState(table=self._table)
        return decode_state(text, self.registry, self._table)

    # ------------------------------------------------------------------ the registry

    def _refresh(self) -> None:
        now = time.monotonic()
        if now - self._refreshed_s >= REFRESH_S:
            self._refreshed_s = now
            self.patience.insist(lambda: self.store.refresh(self.registry))

    def _ask_registry(self, registry: RegistryView) -> None:
        self.patience.insist(lambda: self.store.refresh(registry))

    # ------------------------------------------------------------------ numbers

    def _measure(self, work: Work, outcome: Outcome, began_s: float) -> None:
        now_us = time.time_ns() // 1000
        meters.BATCH_SECONDS.observe(time.monotonic() - began_s)
        meters.BATCH_READINGS.observe(len(work.rows) + len(work.merges))
        meters.READINGS.labels("stored").inc(outcome.stored)
        meters.READINGS.labels("duplicate").inc(outcome.duplicate)
        meters.READINGS.labels("conflict").inc(outcome.conflict)
        meters.FINDINGS.inc(outcome.findings)
        for row in work.rejections:
            meters.REJECTIONS.labels(row.rejection.code).inc()
        for pack in work.packs:
            for line in _ends(pack.lines):
                meters.ROW_AGE.observe((now_us - line.at) / 1e6)


def _slices(records: Sequence[Record]) -> Iterator[list[Record]]:
    """Transactions of a bounded size, however much has piled up."""
    part: list[Record] = []
    size = 0
    for record in records:
        if part and size + len(record.value) > MAX_SLICE_BYTES:
            yield part
            part, size = [], 0
        part.append(record)
        size += len(record.value)
    if part:
        yield part


def _ends(lines: Sequence[Line]) -> Iterator[Line]:
    """The first and the last reading of a pack."""
    first = next((line for line in lines if line.p), None)
    last = next((line for line in reversed(lines) if line.p), None)
    if first is not None and last is not None:
        yield first
        if last is not first:
            yield last
