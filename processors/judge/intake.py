"""What a record of each topic adds to a batch: lines judged, results and rejections taken, the unreadable kept. Pure.

Nothing here raises for what a record holds: what cannot be read becomes a rejection `bad_record` with its raw bytes.
"""

from math import isfinite
from typing import Final

import msgspec

from processors.judge import stream_time
from processors.judge.engine import account, judge
from processors.judge.judged import Bad, Hole, Judged
from processors.judge.registry_view import FOREVER_US, RegistryView
from processors.judge.state import HOUR_US, PartitionState
from processors.judge.work import NOBODY, MergeRow, Owner, Pack, ResultRow, Work
from processors.worker.work import Advance, Booking, FindingRow, Place, Record, RejectionRow
from schemas.finding import Finding
from schemas.reading import HEADER_COUNT, HEADER_RUN, HEADER_TOTAL, Line, decode_lines
from schemas.rejection import HEADER, HEADER_STORED, Disposition, Rejection, decode_rejection
from schemas.result import Result, decode_result

TELLING_PARTITION: Final = 0


class Intake:
    """Reads records with the registry in hand."""

    def __init__(self, registry: RegistryView) -> None:
        self._registry = registry

    def take_pack(self, state: PartitionState, record: Record, judged: Judged, work: Work) -> None:
        """Judges one pack and holds its headers against what was in it."""
        try:
            lines = decode_lines(record.value)
        except msgspec.DecodeError:
            lines = _salvage(record, judged)
        run = record.headers.get(HEADER_RUN, b"").decode("utf-8", "replace")
        lines = stream_time.received(lines, state.gateways.get(run), record.written_us)
        work.packs.append(Pack(record.place, record.position, lines))
        before = judged.values
        judge(state, lines, self._registry, judged, record.position, record.written_us)
        found = judged.values + len(judged.bad) - before
        for bad in judged.bad:
            _dead_letter(record, work, bad.detail, bad.ordinal, bad.raw)
        judged.bad.clear()
        count = _number(record, HEADER_COUNT)
        total = _number(record, HEADER_TOTAL)
        if count is not None and count > found:
            judged.holes.append(Hole(run, record.position, count, found))
        if run and count is not None and total is not None:
            account(state, run, count, total, record.position, judged)

    def take_result(self, record: Record, work: Work) -> None:
        """A rapid-test result of a known device."""
        try:
            result = decode_result(record.value)
        except msgspec.DecodeError as error:
            _dead_letter(record, work, str(error))
            return
        device = self._registry.device(result.device)
        if device is None or not _is_sane_result(result):
            _dead_letter(record, work, f"device {result.device} is unknown, or a number that cannot be")
            return
        work.results.append(ResultRow(record.place, record.position, device.enterprise, result))

    def take_rejection(self, record: Record, work: Work) -> None:
        """What the gateway has refused, with its raw bytes or where they lie."""
        try:
            rejection = decode_rejection(record.headers.get(HEADER, b""))
            disposition = rejection.disposition
        except (msgspec.DecodeError, KeyError) as error:
            _dead_letter(record, work, str(error))
            return
        if not (0 < rejection.received_us < FOREVER_US and 0 <= rejection.count < 2**31):
            _dead_letter(record, work, "a number that cannot be")
            return
        stored = record.headers.get(HEADER_STORED)
        work.rejections.append(
            RejectionRow(
                record.place, record.position, 0, self.enterprise(rejection.device), rejection,
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

    def share(self, place: Place, judged: Judged, advance: Advance, work: Work) -> None:
        """Puts one partition's judgement into the batch."""
        advance.values = judged.values
        work.rows.extend(judged.rows)
        for merge in judged.merges:
            work.merges.append(MergeRow(place, merge, self.owner_of(merge.line.p) or NOBODY))
        findings = [f for f in judged.findings if _is_told_by(f, place)]
        work.findings.extend(FindingRow(place, self.enterprise(f.device), f) for f in findings)
        work.shown.update(judged.shown)
        work.holes.extend((place, hole) for hole in judged.holes)

    def enterprise(self, device: str) -> str | None:
        known = self._registry.known_device(device)
        return known.enterprise if known else None

    def owner_of(self, point: int) -> Owner | None:
        """Whose a point is, None when there is no such point."""
        facts = self._registry.point(point)
        known = self._registry.known_device(facts.device) if facts else None
        return Owner(known.id, known.enterprise, known.behind or known.id) if known else None


def _is_told_by(finding: Finding, place: Place) -> bool:
    """Every partition hears a gateway; of what is no device's, one tells."""
    return bool(finding.device) or place.partition == TELLING_PARTITION


def _dead_letter(record: Record, work: Work, detail: str, ordinal: int = 0, raw: bytes | None = None) -> None:
    """What is on an internal topic and cannot be read; the raw bytes are kept."""
    rejection = Rejection(code="bad_record", detail=detail[:500], received_us=record.written_us)
    raw = record.value if raw is None else raw
    work.rejections.append(RejectionRow(record.place, record.position, ordinal, None, rejection, raw))
    hour_us = record.written_us - record.written_us % HOUR_US
    work.bookings.append(Booking(record.place.topic, "", hour_us, 1, dead_lettered=1))


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
