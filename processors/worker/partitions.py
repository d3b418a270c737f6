"""The partitions that this process owns: which record is new work, which only rebuilds state, which is a gap.

Role-neutral: every handler of `worker.app` keeps its places in a `Slots`. `State` is whatever its rules remember of
one partition.
"""

import zlib
from collections.abc import Callable, Iterable, Iterator
from enum import Enum
from typing import Generic, TypeVar

from processors.worker.work import Advance, Checkpoint, Claim, Place, Record
from schemas.errors import Permanent, WrongTopic

State = TypeVar("State")
STAGGER_S = 0.3
"""Between the first checkpoints of two partitions, so that they never come all at once."""
READ_AGAIN_INTERVALS = 12
"""A checkpoint that saves little reading may wait for so many intervals."""
CHECKPOINT_SHARE = 20
"""A checkpoint may cost one part in so many of the time between two of them."""


class Turn(Enum):
    """What a record is for us. SKIP: seen, or not ours. REBUILD: committed, for the state only. WORK: to be written."""

    SKIP = "skip"
    REBUILD = "rebuild"
    WORK = "work"


class Slot(Generic[State]):
    """One owned partition.

    next: the first record that is not committed. expected: the record that comes next. checkpoint: its position.
    """

    def __init__(
        self, claim: Claim, seek: int, restore: Callable[[bytes | None], State], now_s: float
    ) -> None:
        self.place = claim.place
        self.next = claim.next
        self.expected = seek
        self.checkpoint = claim.checkpoint_position
        self.checkpointed_s = now_s
        self.cost_s = 0.0
        self.behind_bytes = 0
        self.seen = seek
        self._stored = claim.checkpoint
        self._restore = restore
        self._state: State | None = None

    @property
    def state(self) -> State:
        """The rule state, taken from the checkpoint when first asked for (in the writer's thread)."""
        if self._state is None:
            self._state = self._restored()
            self._stored = None
        return self._state

    def _restored(self) -> State:
        try:
            return self._restore(None if self._stored is None else zlib.decompress(self._stored))
        except (Permanent, zlib.error) as error:
            raise Permanent(f"{self.place.topic}/{self.place.partition}: {error}") from error

    def turn(self, record: Record) -> Turn:
        """Raises Permanent when records are missing between the last one and this."""
        if record.position < self.expected:
            return Turn.SKIP
        if record.position > self.expected:
            raise Permanent(
                f"{self.place.topic}/{self.place.partition}: record {self.expected} is missing, {record.position} came"
            )
        self.expected += 1
        self.behind_bytes += len(record.value)
        return Turn.REBUILD if record.position < self.next else Turn.WORK

    def due(self, now_s: float, interval_s: float, slots: int) -> bool:
        """Whether a checkpoint is wanted; a costly one is taken less often."""
        pause_s = max(interval_s, CHECKPOINT_SHARE * self.cost_s * slots)
        return now_s - self.checkpointed_s >= pause_s

    def due_while_busy(self, now_s: float, interval_s: float, slots: int, cheap_bytes: int) -> bool:
        """The same for a partition that goes on: while no more than cheap_bytes would be read again, it waits."""
        saves = self.behind_bytes >= cheap_bytes
        return self.due(now_s, interval_s if saves else READ_AGAIN_INTERVALS * interval_s, slots)

    def stands_still(self) -> bool:
        """Whether nothing has come since this was last asked and the checkpoint is behind; asked once a second."""
        seen, self.seen = self.seen, self.expected
        return seen == self.expected == self.next > self.checkpoint

    def checkpoint_of(self, text: bytes | None) -> Checkpoint:
        """The checkpoint at the end of what has been stepped so far; text: the state as JSON."""
        return Checkpoint(self.expected, None if text is None else zlib.compress(text, 1))

    def committed(self, advance: Advance, now_s: float) -> None:
        self.next = advance.next
        if advance.checkpoint:
            self.checkpoint = advance.checkpoint.position
            self.checkpointed_s = now_s
            self.behind_bytes = 0


class Slots(Generic[State]):
    """All owned partitions, replaced whole at every claim."""

    def __init__(self) -> None:
        self._slots: dict[Place, Slot[State]] = {}

    def __iter__(self) -> Iterator[Slot[State]]:
        return iter(self._slots.values())

    def __len__(self) -> int:
        return len(self._slots)

    def get(self, place: Place) -> Slot[State] | None:
        return self._slots.get(place)

    def claimed(
        self,
        claims: Iterable[Claim],
        starts: dict[Place, int],
        restore: Callable[[bytes | None], State],
        now_s: float,
    ) -> dict[Place, int]:
        """Takes over the claims; returns where to read each partition from. Kept ones begin anew as well.

        Raises WrongTopic when the log begins behind what was judged: accepted data has expired unread.
        """
        slots = {}
        for number, claim in enumerate(claims):
            start = starts[claim.place]
            if start > claim.next:
                raise WrongTopic(
                    f"{claim.place.topic}/{claim.place.partition}: the log begins at {start}, judged is up to "
                    f"{claim.next}: data expired unread. Lengthen retention; see the runbook before going on"
                )
            slots[claim.place] = Slot(
                claim, max(start, claim.checkpoint_position), restore, now_s + number * STAGGER_S
            )
        self._slots = slots
        return {place: slot.expected for place, slot in slots.items()}


def check_end(claim_next: int, end: int, place: Place) -> None:
    """Raises WrongTopic when the database is ahead of the topic: it was wiped, or cut by a power loss."""
    if claim_next > end:
        raise WrongTopic(
            f"主题 {place.topic} 分区 {place.partition} 只到 {end}，数据库已处理到 {claim_next}:"
            f"Kafka 被清空或更换。 / topic {place.topic}/{place.partition} ends at {end}, the database has judged "
            f"up to {claim_next}: Kafka was wiped or replaced. Give back the old Kafka, or start with an empty "
            "database or another topic prefix"
        )
