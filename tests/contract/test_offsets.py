"""Positions, claims and unsent findings are kept by role: PostgreSQL and the twin in memory keep the same contract."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg2
import pytest

from processors.worker import memory, offsets
from processors.worker.database import Database
from processors.worker.memory import MemoryBooks, MemoryOffsets, MemoryUnsent
from processors.worker.offsets import Offsets, Unsent
from processors.worker.work import Advance, Checkpoint, Claim, FindingRow, Place
from schemas.errors import Fenced
from schemas.finding import Change, Finding, Severity, finding_id

if TYPE_CHECKING:
    from tests.servers import Servers

BASE_US = 1_767_225_600_000_000
PLACE = Place("t-readings", 3)
IDS = {"t-readings": "id-1"}


@dataclass
class Kit:
    """hand: an owner's hand in a role. unsent: of a role. write_findings: as the two modules have it."""

    hand: Callable[[str, str], Offsets | MemoryOffsets]
    unsent: Callable[[str], Unsent | MemoryUnsent]
    write_findings: Callable[[Any, str, Sequence[FindingRow]], int]


@pytest.fixture(params=["memory", "postgres"])
def kit(request: pytest.FixtureRequest) -> Iterator[Kit]:
    if request.param == "memory":
        books = MemoryBooks()
        yield Kit(
            lambda owner, role: MemoryOffsets(books, owner, role),
            lambda role: MemoryUnsent(books, role),
            memory.write_findings,
        )
        return
    servers: Servers = request.getfixturevalue("servers")
    made = servers.fresh_database()
    opened: list[Database] = []

    def database() -> Database:
        opened.append(Database(lambda: psycopg2.connect(made.pipeline_url, options="-c timezone=UTC")))
        return opened[-1]

    yield Kit(
        lambda owner, role: Offsets(database(), owner, role),
        lambda role: Unsent(database(), role),
        offsets.write_findings,
    )
    for one in opened:
        one.close()
    servers.drop_database(made)


def claim(hand: Offsets | MemoryOffsets) -> Claim:
    return hand.claim({PLACE: 0}, IDS)[PLACE]


def advance(kit: Kit, hand: Offsets | MemoryOffsets, first: int, next: int, *rows: FindingRow) -> bool:
    """Commits records [first, next) with a checkpoint at their end; False when they were in already."""
    state = b"%s at %d" % (hand.role.encode(), next)
    with hand.batch([Advance(PLACE, first, next, 1, checkpoint=Checkpoint(next, state))]) as cursor:
        if cursor is None:
            return False
        kit.write_findings(cursor, hand.role, rows)
    return True


def finding(subject: str) -> FindingRow:
    made = Finding(
        id=finding_id(subject, "excursion", BASE_US), version=1, change=Change.OPENED, subject=subject, device="d1",
        rule="excursion", severity=Severity.ORANGE, start_us=BASE_US, measured_us=BASE_US, received_us=BASE_US,
    )  # fmt: skip
    return FindingRow(PLACE, "e", made)


def test_another_role_claims_the_same_partition_and_fences_nobody(kit: Kit) -> None:
    judge, rollup = kit.hand("a", "judge"), kit.hand("b", "rollup")
    claim(judge)
    claim(rollup)
    assert advance(kit, judge, 0, 5)
    assert advance(kit, rollup, 0, 2)


def test_each_role_has_its_own_position_and_checkpoint(kit: Kit) -> None:
    judge, rollup = kit.hand("a", "judge"), kit.hand("b", "rollup")
    claim(judge)
    claim(rollup)
    advance(kit, judge, 0, 5)
    advance(kit, rollup, 0, 2)
    judged, rolled = claim(judge), claim(rollup)
    assert (judged.next, judged.checkpoint) == (5, b"judge at 5")
    assert (rolled.next, rolled.checkpoint) == (2, b"rollup at 2")


def test_within_a_role_the_owner_before_is_fenced(kit: Kit) -> None:
    judge, old, new = kit.hand("a", "judge"), kit.hand("b", "rollup"), kit.hand("c", "rollup")
    for hand in (judge, old, new):
        claim(hand)
    with pytest.raises(Fenced):
        advance(kit, old, 0, 1)
    assert advance(kit, new, 0, 1)
    assert advance(kit, judge, 0, 1)


def test_a_batch_that_another_role_has_committed_is_still_to_be_done(kit: Kit) -> None:
    judge, rollup = kit.hand("a", "judge"), kit.hand("a", "rollup")
    claim(judge)
    claim(rollup)
    assert advance(kit, judge, 0, 3)
    assert not advance(kit, judge, 0, 3)
    assert advance(kit, rollup, 0, 3)


def test_unsent_findings_are_drained_by_the_role_that_made_them(kit: Kit) -> None:
    judge, detector = kit.hand("a", "judge"), kit.hand("a", "detector")
    claim(judge)
    claim(detector)
    advance(kit, judge, 0, 1, finding("d1/temperature"))
    advance(kit, detector, 0, 1, finding("d2/temperature"))
    assert [f.subject for f in kit.unsent("judge").fetch([PLACE])] == ["d1/temperature"]
    found = kit.unsent("detector").fetch([PLACE])
    assert [f.subject for f in found] == ["d2/temperature"]
    kit.unsent("detector").sent(found)
    assert kit.unsent("detector").fetch([PLACE]) == []
    assert len(kit.unsent("judge").fetch([PLACE])) == 1
