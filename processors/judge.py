"""The judge: what a batch of records of `readings`, `results` and `rejections` becomes. A handler of `processors.app`.

Judged first, in pure code, once; then written, as often as it takes. Runs in the one writer thread.
"""

import time
from collections.abc import Iterator, Sequence
from math import isfinite
from typing import Final

import msgspec

from processors import meters
from processors.book import FOREVER_US, Book
from processors.engine import account, judge
from processors.judged import Bad, Hole, Judged
from processors.partitions import Slot, Slots, Turn
from processors.patience import Patience
from processors.state import HOUR_US, PartitionState, decode_state, encode_state
from processors.store import JudgeStore
from processors.work import (
    Advance,
    Booking,
    Claim,
    FindingRow,
    MergeRow,
    Outcome,
    Pack,
    Place,
    Record,
    RejectionRow,
    ResultRow,
    Work,
)  # fmt: skip
from schemas.errors import Permanent
from schemas.reading import HEADER_COUNT, HEADER_RUN, HEADER_TOTAL, Line, decode_lines
from schemas.rejection import HEADER, HEADER_STORED, Disposition, Rejection, decode_rejection
from schemas.result import Result, decode_result
from schemas.topics import READINGS, REJECTIONS, RESULTS

MAX_SLICE_BYTES: Final = 2 * 1024 * 1024
CLAIM_LIMIT_S: Final = 25.0
REFRESH_S: Final = 1.0


class Judge:
    """Holds the rule state of the owned partitions and writes through `store` (or its twin)."""

    topics: Final = (READINGS, RESULTS, REJECTIONS)

    def __init__(self, store: JudgeStore, prefix: str, checkpoint_interval_s: float) -> None:
        self.store = store
        self.patience = Patience()
        self.slots: Slots[PartitionState] = Slots()
        self.book = Book(missing=self._ask_registry)
        self._prefix = prefix
        self._interval_s = checkpoint_interval_s
        self._refreshed_s = -REFRESH_S

    # ------------------------------------------------------------------ called by the app

    def claim(
        self, starts: dict[Place, int], topic_ids: dict[str, str]
    ) -> tuple[dict[Place, int], dict[Place, int]]:
        """Makes the partitions ours. Returns where to read each from, and its next position."""

        def claim() -> dict[Place, Claim]:
            self.store.refresh(self.book)
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
        work = Work(owner_of=self._owner_of)
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
            elif record.place.topic == self._prefix + READINGS.name:
                self._take(slot, record, Judged(), Work())
        if not advances:
            return False
        work.advances = list(advances.values())
        for place, judged in shares.items():
            self._share(place, judged, advances[place], work)
        self._maybe_checkpoint(work)
        outcome = self._commit(work)
        self._measure(work, outcome, began)
        return outcome.findings > 0

    def _take(self, slot: Slot[PartitionState], record: Record, judged: Judged, work: Work) -> None:
        topic = record.place.topic.removeprefix(self._prefix)
        if topic == READINGS.name:
            self._take_pack(slot.state, record, judged, work)
        elif topic == RESULTS.name:
            self._take_result(record, work)
        else:
            self._take_rejection(record, work)

    def _take_pack(self, state: PartitionState, record: Record, judged: Judged, work: Work) -> None:
        try:
            lines = decode_lines(record.value)
        except msgspec.DecodeError:
            lines = _salvage(record, judged)
        work.packs.append(Pack(record.place, record.position, lines))
        before = judged.values
        judge(state, lines, self.book, judged, record.position)
        found = judged.values + len(judged.bad) - before
        for bad in judged.bad:
            self._dead_letter(record, work, bad.detail, bad.ordinal, bad.raw)
        judged.bad.clear()
        count = _number(record, HEADER_COUNT)
        total = _number(record, HEADER_TOTAL)
        run = record.headers.get(HEADER_RUN, b"").decode("utf-8", "replace")
        if count is not None and count > found:
            judged.holes.append(Hole(run, record.position, count, found))
        if run and count is not None and total is not None:
            account(state, run, count, total, record.position, judged)

    def _take_result(self, record: Record, work: Work) -> None:
        try:
            result = decode_result(record.value)
        except msgspec.DecodeError as error:
            self._dead_letter(record, work, str(error))
            return
        device = self.book.device(result.device)
        if device is None or not _is_sane_result(result):
            self._dead_letter(record, work, f"device {result.device} is unknown, or a number that cannot be")
            return
        work.results.append(ResultRow(record.place, record.position, device.enterprise, result))

    def _take_rejection(self, record: Record, work: Work) -> None:
        try:
            rejection = decode_rejection(record.headers.get(HEADER, b""))
            disposition = rejection.disposition
        except (msgspec.DecodeError, KeyError) as error:
            self._dead_letter(record, work, str(error))
            return
        if not (0 < rejection.received_us < FOREVER_US and 0 <= rejection.count < 2**31):
            self._dead_letter(record, work, "a number that cannot be")
            return
        stored = record.headers.get(HEADER_STORED)
        work.rejections.append(
            RejectionRow(
                record.place, record.position, 0, self._enterprise(rejection.device), rejection,
                None if stored else record.value, stored.decode("ascii", "replace") if stored else None,
            )
        )  # fmt: skip
        count = _number(record, HEADER_COUNT) or 1
        quarantined = count if disposition is Disposition.QUARANTINED else 0
        hour_us = rejection.received_us - rejection.received_us % HOUR_US
        work.bookings.append(
            Booking(
                record.place.topic, rejection.device, hour_us, count, 0, 0, quarantined, count - quarantined
            )
        )

    def _dead_letter(
        self, record: Record, work: Work, detail: str, ordinal: int = 0, raw: bytes | None = None
    ) -> None:
        """What is on an internal topic and cannot be read; the raw bytes are kept."""
        rejection = Rejection(code="bad_record", detail=detail[:500], received_us=record.written_us)
        raw = record.value if raw is None else raw
        work.rejections.append(RejectionRow(record.place, record.position, ordinal, None, rejection, raw))
        hour_us = record.written_us - record.written_us % HOUR_US
        work.bookings.append(Booking(record.place.topic, "", hour_us, 1, dead_lettered=1))

    def _share(self, place: Place, judged: Judged, advance: Advance, work: Work) -> None:
        """Puts one partition's judgement into the batch."""
        advance.values = judged.values
        work.rows.extend(judged.rows)
        for merge in judged.merges:
            device, enterprise = self._owner_of(merge.line.p) or ("", None)
            work.merges.append(MergeRow(place, merge, device, enterprise))
        work.findings.extend(FindingRow(place, self._enterprise(f.device), f) for f in judged.findings)
        work.shown.update(judged.shown)
        work.holes.extend((place, hole) for hole in judged.holes)
        slot = self.slots.get(place)
        if slot and place.topic == self._prefix + READINGS.name and slot.state.stream_us:
            advance.stream_us = slot.state.stream_us

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
        due = [(slot, a) for slot, a in slots if slot.due(now, self._interval_s, len(self.slots))]
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
        if topic == self._prefix + READINGS.name:
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
            return PartitionState()
        try:
            return decode_state(text, self.book)
        except (msgspec.DecodeError, LookupError) as error:
            raise Permanent(f"the checkpoint cannot be read: {error}") from error

    # ------------------------------------------------------------------ the registry

    def _refresh(self) -> None:
        now = time.monotonic()
        if now - self._refreshed_s >= REFRESH_S:
            self._refreshed_s = now
            self.patience.insist(lambda: self.store.refresh(self.book))

    def _ask_registry(self, book: Book) -> None:
        self.patience.insist(lambda: self.store.refresh(book))

    def _enterprise(self, device: str) -> str | None:
        known = self.book.known_device(device)
        return known.enterprise if known else None

    def _owner_of(self, point: int) -> tuple[str, str | None] | None:
        facts = self.book.point(point)
        return (facts.device, self._enterprise(facts.device)) if facts else None

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


def _salvage(record: Record, judged: Judged) -> list[Line]:
    """The readable lines of a pack; the others are bad ones. Ordinals of bad lines count from -1 downwards."""
    lines: list[Line] = []
    for index, text in enumerate(record.value.split(b"\n")):
        if text.strip():
            try:
                lines.extend(decode_lines(text))
            except msgspec.DecodeError as error:
                judged.bad.append(Bad(record.position, -1 - index, text, str(error)))
    return lines


def _is_sane_result(result: Result) -> bool:
    """Times and value that the columns can take."""
    times = (
        result.at_us,
        result.received_us,
        result.received_us if result.sampled_us is None else result.sampled_us,
    )
    return all(0 < time < FOREVER_US for time in times) and (result.value is None or isfinite(result.value))


def _number(record: Record, header: str) -> int | None:
    text = record.headers.get(header, b"")
    return int(text) if text.isdigit() and len(text) < 19 else None


def _ends(lines: Sequence[Line]) -> Iterator[Line]:
    """The first and the last reading of a pack."""
    first = next((line for line in lines if line.p), None)
    last = next((line for line in reversed(lines) if line.p), None)
    if first is not None and last is not None:
        yield first
        if last is not first:
            yield last
