"""Partitions, positions and checkpoints in the database: the one truth about what is done. Role-neutral.

A worker claims its partitions, then writes batch by batch: `batch(advances)` opens the transaction, locks the
partitions' rows and compares the owner; what the caller writes inside it and the new positions are committed as one.
Three round trips when the caller's part is one COPY: begin and lock; the rows; positions and commit.
"""

import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

import msgspec
import structlog
from psycopg2.extras import execute_values

from processors.worker import meters
from processors.worker.database import Cursor, Database
from processors.worker.text import storable
from processors.worker.work import Advance, Booking, Claim, FindingRow, Place
from schemas import statements
from schemas.errors import Fenced, Permanent, WrongTopic
from schemas.finding import Change, Finding, Severity
from schemas.times import to_datetime, to_us

SQL: Final = statements.load("processors.worker", "offsets.sql")


class Offsets:
    """The books of the partitions that `owner` has claimed for its role; another role's are other rows."""

    def __init__(self, database: Database, owner: str, role: str) -> None:
        self.database = database
        self.owner = owner
        self.role = role

    def claim(self, starts: Mapping[Place, int], topic_ids: Mapping[str, str]) -> dict[Place, Claim]:
        """Makes the partitions ours; new ones begin at their log's start.

        Raises WrongTopic when the rows belong to a topic with another id.
        """
        rows = [
            (self.role, *place, topic_ids[place.topic], start, start, self.owner)
            for place, start in starts.items()
        ]
        with self.database.transaction() as cursor:
            template = "(%s, %s, %s, %s, %s, %s, %s, clock_timestamp())"
            found = execute_values(cursor, SQL["claim"], sorted(rows), template, fetch=True)
            claims = {
                Place(row[0], row[1]): Claim(Place(row[0], row[1]), row[2], row[3], row[4],
                                             None if row[5] is None else bytes(row[5]), row[6])
                for row in found
            }  # fmt: skip
            for place, claim in claims.items():
                check_topic(place.topic, claim.topic_id, topic_ids[place.topic])
        return claims

    @contextmanager
    def batch(self, advances: Sequence[Advance]) -> Iterator[Cursor | None]:
        """The transaction of a batch; the cursor is None when the batch is already in (an unknown commit was one).

        Raises Fenced when another worker owns a partition, Permanent when positions do not follow.
        """
        with self.database.transaction() as cursor:
            if is_done(self._lock(cursor, advances), advances):
                yield None
                return
            yield cursor
            self._advance(cursor, advances)

    def begin_again(self, cursor: Cursor, advances: Sequence[Advance]) -> None:
        """After a statement that failed: the transaction anew, with the same fence. What was written is gone."""
        cursor.later("rollback")
        cursor.later("begin")
        is_done(self._lock(cursor, advances), advances)

    def _lock(self, cursor: Cursor, advances: Sequence[Advance]) -> dict[Place, tuple[int, int]]:
        cursor.execute(SQL["lock"], (self.role, tuple(tuple(a.place) for a in advances)))
        positions = {}
        for topic, partition, owner, following, checkpoint in cursor.fetchall():
            if owner != self.owner:
                raise Fenced(f"{topic}/{partition} belongs to {owner} now; this worker ends")
            positions[Place(topic, partition)] = (following, checkpoint)
        return positions

    def _advance(self, cursor: Cursor, advances: Sequence[Advance]) -> None:
        rows = [
            (self.role, *a.place, a.next, a.values, None if a.stream_us is None else to_datetime(a.stream_us))
            for a in advances
        ]
        cursor.later_values(SQL["advance"], rows, "(%s, %s, %s, %s::bigint, %s::bigint, %s::timestamptz)")
        for a in advances:
            if a.checkpoint:
                named = {"role": self.role, "topic": a.place.topic, "partition": a.place.partition}
                cursor.later(SQL["checkpoint"], named | a.checkpoint._asdict())


def check_topic(topic: str, known_id: str, topic_id: str) -> None:
    """Raises WrongTopic when Kafka's topic is not the one that the offsets belong to."""
    if known_id != topic_id:
        raise WrongTopic(
            f"主题 {topic} 不是数据库偏移量所属的那一个（Kafka 被清空或更换）。 / topic {topic} has id {topic_id}, "
            f"the database's offsets belong to {known_id}: Kafka was wiped or replaced. Give back the old Kafka, "
            "or start with an empty database or another topic prefix"
        )


def is_done(positions: Mapping[Place, tuple[int, int]], advances: Sequence[Advance]) -> bool:
    """True when all is in already. Raises Permanent when positions do not follow.

    positions: next and checkpoint position. A batch of checkpoints alone is in when these have moved.
    """
    done = []
    for a in advances:
        following, checkpoint = positions.get(a.place, (-1, -1))
        idle = a.next == a.first
        done.append(checkpoint >= a.next if idle and a.checkpoint else following >= a.next)
        if not done[-1] and following != a.first:
            where = f"{a.place.topic}/{a.place.partition}"
            raise Permanent(f"{where}: this batch begins at {a.first}, the database expects {following}")
    if any(done) and not all(done):
        raise Permanent("a batch is in for some partitions and not for others; it was one transaction")
    return bool(done) and all(done)


def book(cursor: Cursor, bookings: Sequence[Booking]) -> None:
    """Adds to the ledger; rows of one (device, hour, topic) are joined first."""
    sums: dict[tuple[str, str, int], list[int]] = {}
    for b in bookings:
        numbers = sums.setdefault((storable(b.device), b.topic, b.hour_us), [0] * 5)
        for index, number in enumerate(b[3:]):
            numbers[index] += number
    if sums:
        cursor.execute(SQL["make_booking"])
        cursor.copy_expert(SQL["copy_booking"], io.BytesIO(_copy_text(sums)))
        cursor.execute(SQL["book"])


def _copy_text(sums: Mapping[tuple[str, str, int], Sequence[int]]) -> bytes:
    """The rows in COPY's text form; a checkpoint books every device at once, and this is the cheap way."""
    hours = {hour: to_datetime(hour).isoformat() for _, _, hour in sums}
    lines = [
        "\t".join((_escaped(topic), _escaped(device), hours[hour], *map(str, numbers)))
        for (device, topic, hour), numbers in sorted(sums.items())
    ]
    return ("\n".join(lines) + "\n").encode()


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")


def write_findings(cursor: Cursor, role: str, rows: Sequence[FindingRow]) -> int:
    """Inserts findings and notes them unsent for the role's drain; returns how many were new."""
    if not rows:
        return 0
    new = {
        (str(key), version)
        for key, version in execute_values(
            cursor, SQL["insert_findings"], [_finding_row(row) for row in rows], fetch=True
        )
    }
    if len(new) < len(rows):
        _tell_collisions([row.finding for row in rows if (row.finding.id, row.finding.version) not in new])
    unsent = [
        (row.finding.id, row.finding.version, role, *row.place)
        for row in rows
        if (row.finding.id, row.finding.version) in new
    ]
    if unsent:
        execute_values(cursor, SQL["mark_unsent"], unsent)
    return len(unsent)


def _tell_collisions(findings: Sequence[Finding]) -> None:
    """Versions that were there already: a batch is written once, so two episodes have fallen on one id."""
    meters.FINDINGS_COLLIDED.inc(len(findings))
    for finding in findings:
        structlog.get_logger().error(
            "finding_collided",
            id=finding.id,
            version=finding.version,
            subject=finding.subject,
            rule=finding.rule,
        )


def _finding_row(row: FindingRow) -> tuple[Any, ...]:
    f = row.finding
    return (
        f.id, f.version, str(f.change), storable(f.subject), f.device, row.enterprise, f.metric, f.point_id, f.rule,
        int(f.severity), to_datetime(f.start_us), None if f.end_us is None else to_datetime(f.end_us), f.peak, f.limit,
        f.unit, f.profile, f.profile_version, f.late, f.persistent, to_datetime(f.measured_us),
        to_datetime(f.received_us),
        msgspec.json.encode({key: storable(value) for key, value in f.detail.items()}).decode(),
    )  # fmt: skip


class Unsent:
    """A role's findings that are committed and not yet on their topic. Has a connection of its own: the drain's."""

    def __init__(self, database: Database, role: str) -> None:
        self._database = database
        self._role = role

    def fetch(self, places: Sequence[Place]) -> list[Finding]:
        """Up to 1,000 unsent findings of these partitions, oldest first."""
        if not places:
            return []
        with self._database.transaction() as cursor:
            cursor.execute(SQL["unsent"], (self._role, tuple(tuple(place) for place in places)))
            return [_finding(row) for row in cursor.fetchall()]

    def sent(self, findings: Sequence[Finding]) -> None:
        """The broker has confirmed them."""
        with self._database.transaction() as cursor:
            execute_values(cursor, SQL["sent"], [(f.id, f.version) for f in findings])


def _finding(row: Sequence[Any]) -> Finding:
    return Finding(
        id=row[0], version=row[1], change=Change(row[2]), subject=row[3], device=row[4], metric=row[5],
        point_id=row[6], rule=row[7], severity=Severity(row[8]), start_us=to_us(row[9]),
        end_us=None if row[10] is None else to_us(row[10]), peak=row[11], limit=row[12], unit=row[13],
        profile=row[14], profile_version=row[15], late=row[16], persistent=row[17], measured_us=to_us(row[18]),
        received_us=to_us(row[19]), detail=row[20],
    )  # fmt: skip
