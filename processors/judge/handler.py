"""The judge: what a batch of records of `readings`, `results` and `rejections` becomes. Handler of `worker.app`.

Judged first, in pure code, once; then written, as often as it takes. Runs in the one writer thread.
"""

import time
from collections.abc import Iterable, Iterator, Sequence
from typing import ClassVar, Final, Protocol

from processors.judge.checkpoint import decode_state, encode_state
from processors.judge.intake import Intake
from processors.judge.judged import Judged
from processors.judge.registry_view import RegistryView
from processors.judge.rules import TABLE
from processors.judge.state import PartitionState
from processors.judge.table import RuleTable
from processors.judge.work import Work
from processors.worker import meters, turns
from processors.worker.partitions import Slot
from processors.worker.turns import Turns
from processors.worker.work import Booking, Outcome, Place, Record
from schemas.reading import Line
from schemas.topics import READINGS, REJECTIONS, RESULTS, Topic

MAX_SLICE_BYTES: Final = 2 * 1024 * 1024


class Store(turns.Store[Work], Protocol):
    """What the judge needs of its store; `processors.judge.store` and `processors.judge.memory` have it."""

    def refresh(self, registry: RegistryView) -> bool: ...


class Judge(Turns[PartitionState, Work]):
    """Holds the rule state of the owned partitions and writes through `store` (or its twin)."""

    topics: ClassVar[tuple[Topic, ...]] = (READINGS, RESULTS, REJECTIONS)
    cheap_bytes: ClassVar[int] = 2 * 1024 * 1024  # a third of a second's work

    def __init__(
        self, store: Store, prefix: str, checkpoint_interval_s: float, table: RuleTable = TABLE
    ) -> None:
        super().__init__(store, checkpoint_interval_s)
        self.store = store
        self.registry = RegistryView(missing=self._ask_registry)
        self.intake = Intake(self.registry)
        self._prefix = prefix
        self._table = table

    def blank(self) -> Work:
        return Work(owner_of=self.intake.owner_of)

    def slices(self, records: Sequence[Record]) -> Iterator[list[Record]]:
        """Rejections by themselves, behind the rest: what is refused holds up nobody's row."""
        refused = self._prefix + REJECTIONS.name
        yield from _bounded(record for record in records if record.place.topic != refused)
        yield from _bounded(record for record in records if record.place.topic == refused)

    def take(self, slot: Slot[PartitionState], record: Record, work: Work) -> None:
        topic = record.place.topic.removeprefix(self._prefix)
        if topic == READINGS.name:
            judged = work.judged.setdefault(record.place, Judged())
            self.intake.take_pack(slot.state, record, judged, work)
        elif topic == RESULTS.name:
            self.intake.take_result(record, work)
        else:
            self.intake.take_rejection(record, work)

    def conclude(self, work: Work) -> None:
        """Shares out what was judged, by partition, and says how far stream time has come there."""
        for advance in work.advances:
            slot = self.slots.get(advance.place)
            if slot and advance.place in work.judged:
                self.intake.share(advance.place, work.judged[advance.place], advance, work)
                advance.stream_us = slot.state.stream_us or None

    # ------------------------------------------------------------------ checkpoints

    def encode(self, slot: Slot[PartitionState], work: Work) -> bytes | None:
        """With the books of the values since the last one. Results and rejections have no state."""
        if not self._is_readings(slot.place):
            return None
        state, topic = slot.state, slot.place.topic
        text = encode_state(state)
        work.bookings.extend(Booking(topic, d, h, n, n) for (d, h), n in state.take_values().items())
        work.totals.append((slot.place, dict(state.totals)))
        return text

    def restore(self, text: bytes | None) -> PartitionState:
        if text is None:
            return PartitionState(table=self._table)
        return decode_state(text, self.registry, self._table)

    def _is_readings(self, place: Place) -> bool:
        return place.topic == self._prefix + READINGS.name

    # ------------------------------------------------------------------ the registry

    def refresh(self) -> None:
        self.store.refresh(self.registry)

    def _ask_registry(self, registry: RegistryView) -> None:
        self.patience.insist(lambda: self.store.refresh(registry))

    # ------------------------------------------------------------------ numbers

    def measure(self, work: Work, outcome: Outcome, began_s: float) -> None:
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


def _bounded(records: Iterable[Record]) -> Iterator[list[Record]]:
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
