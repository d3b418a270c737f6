"""Reads topic `findings` and folds it into incidents: a plain consumer of all partitions, without a group.

Where it stands is in the database, written with the incidents; Kafka knows nothing of it. Temporary trouble is
waited out with the batch dropped and read again from where the database stands, so that an unknown commit is settled.
"""

import threading
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol

import msgspec
import structlog
from kafka import TopicPartition
from kafka.errors import KafkaError, OffsetOutOfRangeError

from alerts.journal import Batch, Journal, Position, Unreadable, Unstorable
from schemas.errors import Temporary, WrongTopic
from schemas.finding import Finding, decode_finding
from schemas.incident import IncidentEvent

POLL_MS: Final = 500
MAX_RECORDS: Final = 1000
HISTORY_US: Final = 3_600_000_000
REMEDY: Final = (
    "put the old Kafka data back; or, when it is gone for good, `delete from finding_offset` as the pipeline's owner:"
    " the topic is then read from its start, and incidents that exist stay as they are"
)


class Consumer(Protocol):
    """The part of kafka-python's KafkaConsumer that is used here."""

    def assign(self, partitions: Sequence[TopicPartition]) -> None: ...
    def seek(self, partition: TopicPartition, offset: int) -> None: ...
    def beginning_offsets(self, partitions: Sequence[TopicPartition]) -> Mapping[TopicPartition, int]: ...
    def end_offsets(self, partitions: Sequence[TopicPartition]) -> Mapping[TopicPartition, int]: ...
    def poll(self, timeout_ms: int, max_records: int) -> Mapping[TopicPartition, Sequence[Any]]: ...


class FindingsReader:
    """Folds findings into the journal until stopped. `topic_id` is Kafka's own id of the topic."""

    def __init__(
        self,
        consumer: Consumer,
        journal: Journal,
        topic: str,
        partitions: int,
        topic_id: str,
        clock: Callable[[], int],
        applied: Callable[[list[IncidentEvent]], None] = lambda events: None,
    ) -> None:
        self._consumer = consumer
        self._journal = journal
        self._topic = topic
        self._topic_id = topic_id
        self._partitions = [TopicPartition(topic, number) for number in range(partitions)]
        self._clock = clock
        self._applied = applied
        self._next: dict[int, int] = {}
        self._quiet_until: dict[int, int] = {}
        self.trouble = "not at its positions yet"
        """Empty while all is well."""
        self.findings = 0
        self.unreadable = 0

    def run(self, stop: threading.Event) -> None:
        """Until `stop` is set. Raises Permanent (a wiped topic, another consumer) when retrying cannot help."""
        while not stop.is_set():
            try:
                if self.trouble:
                    self.take_positions()
                    self.trouble = ""
                self.turn(POLL_MS)
            except Temporary as error:
                self._wait_out(error, stop)
            except OffsetOutOfRangeError as error:
                self.trouble = f"the position is outside of the topic: {error}"  # take_positions says why
            except KafkaError as error:
                self._wait_out(Temporary(f"Kafka: {type(error).__name__}: {error}"), stop)

    def take_positions(self) -> None:
        """Stands where the database says. Raises WrongTopic when the topic is not the one those positions belong to."""
        stored = self._journal.positions()
        for number, position in stored.items():
            if position.topic_id != self._topic_id:
                raise WrongTopic(
                    f"topic {self._topic} has id {self._topic_id}; the positions of partition {number} belong to"
                    f" {position.topic_id}: Kafka was wiped or replaced. {REMEDY}"
                )
        firsts = self._consumer.beginning_offsets(self._partitions)
        ends = self._consumer.end_offsets(self._partitions)
        missing = {
            p.partition: Position(self._topic_id, firsts[p], quiet_until=ends[p])
            for p in self._partitions
            if p.partition not in stored
        }
        if missing:
            self._journal.begin_positions(missing)
        standing = stored | missing
        self._next = {number: position.next for number, position in standing.items()}
        self._quiet_until = {number: position.quiet_until for number, position in standing.items()}
        for partition in self._partitions:
            _check_inside(partition, self._next[partition.partition], firsts[partition], ends[partition])
        self._consumer.assign(self._partitions)
        for partition in self._partitions:
            self._consumer.seek(partition, self._next[partition.partition])

    def turn(self, timeout_ms: int) -> list[IncidentEvent]:
        """One poll, applied. Raises Temporary; the batch is then read again."""
        polled = self._consumer.poll(timeout_ms=timeout_ms, max_records=MAX_RECORDS)
        records = [record for batch in polled.values() for record in batch]
        if not records:
            return []
        try:
            events = self._apply(self._batch(records))
        except Unstorable as error:
            structlog.get_logger().error("unstorable_findings", records=len(records), reason=str(error))
            events = [event for record in records for event in self._apply_alone(record)]
        if events:
            self._applied(events)
        return events

    def _apply_alone(self, record: Any) -> list[IncidentEvent]:
        """One record by itself: what cannot be stored is kept with its bytes, and stops nobody."""
        batch = self._batch([record])
        try:
            return self._apply(batch)
        except Unstorable as error:
            bad = Unreadable(
                record.topic, record.partition, record.offset, str(error)[:500], record.value or b""
            )
            return self._apply(msgspec.structs.replace(batch, findings=[], unreadable=[bad]))

    def _apply(self, batch: Batch) -> list[IncidentEvent]:
        events = self._journal.apply(batch, self._clock())
        self._next |= {number: next for number, (_from, next) in batch.advances.items()}
        self.findings += len(batch.findings)
        self.unreadable += len(batch.unreadable)
        for bad in batch.unreadable:
            structlog.get_logger().error(
                "unreadable_finding", **{k: getattr(bad, k) for k in ("partition", "position", "detail")}
            )
        return events

    def positions(self) -> dict[int, Position]:
        """Where it stands, for metrics."""
        return {number: Position(self._topic_id, next) for number, next in self._next.items()}

    def _batch(self, records: Sequence[Any]) -> Batch:
        findings: list[Finding] = []
        quiet: set[tuple[str, int]] = set()
        unreadable: list[Unreadable] = []
        advances: dict[int, tuple[int, int]] = {}
        for record in records:
            begin = advances.get(record.partition, (self._next[record.partition], 0))[0]
            advances[record.partition] = (begin, record.offset + 1)
            decoded = _decode(record)
            if isinstance(decoded, Finding):
                findings.append(decoded)
                if self._is_history(record, decoded):
                    quiet.add((decoded.id, decoded.version))
            else:
                unreadable.append(decoded)
        return Batch(findings, advances, self._topic_id, unreadable, frozenset(quiet))

    def _is_history(self, record: Any, finding: Finding) -> bool:
        """It lay in the topic when this journal began, and is old: no channel is told of a month of incidents."""
        old = self._clock() - finding.received_us > HISTORY_US
        return old and record.offset < self._quiet_until.get(record.partition, 0)

    def _wait_out(self, error: Temporary, stop: threading.Event) -> None:
        self.trouble = str(error)
        structlog.get_logger().warning("waiting", reason=str(error), seconds=error.delay_s)
        stop.wait(error.delay_s)


def _decode(record: Any) -> Finding | Unreadable:
    raw = record.value or b""
    try:
        finding = decode_finding(raw)
        if reason := _unstorable(finding):
            raise ValueError(reason)
        return finding
    except (msgspec.DecodeError, ValueError) as error:  # ValidationError is a DecodeError
        return Unreadable(record.topic, record.partition, record.offset, str(error)[:500], raw)


def _unstorable(finding: Finding) -> str:
    """Why the database could not hold it; a foreign writer on the topic must not stop the pipe."""
    texts = (finding.subject, finding.device, finding.rule, finding.metric, finding.unit, finding.profile)
    if any("\0" in text for text in (*texts, *finding.detail, *finding.detail.values())):
        return "NUL in a text"
    try:
        canonical = str(uuid.UUID(finding.id))
    except ValueError:
        return "the id is no UUID"
    if canonical != finding.id:
        return "the id is not written in the canonical form"
    if any(
        not 0 <= number < 2**31 for number in (finding.version, finding.point_id, finding.profile_version)
    ):
        return "a number is out of range"
    moments = (finding.start_us, finding.end_us or 0, finding.measured_us, finding.received_us)
    return "a time is out of range" if any(not 0 <= moment < MAX_US for moment in moments) else ""


MAX_US: Final = 32_503_680_000_000_000
"""The year 3000."""


def _check_inside(partition: TopicPartition, position: int, first: int, end: int) -> None:
    if position > end:
        raise WrongTopic(
            f"{partition.topic}/{partition.partition} ends at {end}, before the stored position {position}: Kafka lost"
            f" data or was replaced. {REMEDY}"
        )
    if position < first:
        raise WrongTopic(
            f"{partition.topic}/{partition.partition} begins at {first}, after the stored position {position}:"
            f" findings were deleted by retention before they were read. {REMEDY}"
        )
