"""What every worker reads and writes: the shapes between the loop, a handler and its store. No I/O."""

from dataclasses import dataclass
from typing import NamedTuple

from schemas.finding import Finding
from schemas.rejection import Rejection


class Place(NamedTuple):
    """A partition of a Kafka topic; `topic` with the installation's prefix."""

    topic: str
    partition: int


class Record(NamedTuple):
    """One Kafka record as a handler gets it."""

    place: Place
    position: int
    value: bytes
    headers: dict[str, bytes]
    written_us: int = 0
    """Kafka's own time of the record: for what carries no time of ours."""


class Claim(NamedTuple):
    """A partition that is ours now. checkpoint: rule state at checkpoint_position; all before next is committed."""

    place: Place
    topic_id: str
    next: int
    checkpoint_position: int
    checkpoint: bytes | None
    pending_values: int = 0


class Checkpoint(NamedTuple):
    """Rule state at a position, compressed."""

    position: int
    state: bytes | None


@dataclass
class Advance:
    """How far a batch brings one partition: records [first, next). values: stored ones, for the pending books."""

    place: Place
    first: int
    next: int
    values: int = 0
    stream_us: int | None = None
    checkpoint: Checkpoint | None = None


class Booking(NamedTuple):
    """A line of the ledger; `topic` with the installation's prefix. Numbers are added to what is there."""

    topic: str
    device: str
    hour_us: int
    accepted: int = 0
    stored: int = 0
    duplicate: int = 0
    quarantined: int = 0
    dead_lettered: int = 0


class FindingRow(NamedTuple):
    place: Place
    enterprise: str | None
    finding: Finding


class RejectionRow(NamedTuple):
    """A rejection with where it was met. raw None: it lies in the evidence store under `stored`."""

    place: Place
    position: int
    ordinal: int
    enterprise: str | None
    rejection: Rejection
    raw: bytes | None
    stored: str | None = None


class Outcome(NamedTuple):
    """What a committed batch has come to; None of it when it was in already. refused: what its device is to hear of."""

    stored: int = 0
    duplicate: int = 0
    conflict: int = 0
    findings: int = 0
    refused: tuple[Rejection, ...] = ()


def unreadable_checkpoint(reason: str) -> str:
    """What is said of a checkpoint that cannot be read."""
    return (
        f"检查点无法读取（{reason}）。请用写下它的版本启动；或清空该分区的检查点，状态会从主题重新算出："
        "update partition_offset set checkpoint = null, checkpoint_position = 0 where topic = … and partition = … / "
        f"the checkpoint cannot be read ({reason}). Start the version that wrote it, or empty the partition's "
        "checkpoint with that statement: the state is then made again from the topic"
    )
