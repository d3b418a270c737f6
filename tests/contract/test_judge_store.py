"""The judge's store and its twin in memory keep the same contract."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
import psycopg2
import pytest

from processors.judge.judged import Merge, Shown, pack_row
from processors.judge.memory import MemoryJudgeStore, MemoryTables
from processors.judge.store import JudgeStore
from processors.judge.work import MergeRow, Owner, Pack, ResultRow, Work
from processors.worker.database import Database
from processors.worker.memory import MemoryUnsent
from processors.worker.offsets import Unsent
from processors.worker.work import Advance, Booking, Checkpoint, FindingRow, Place, RejectionRow
from schemas.errors import Fenced, Permanent, WrongTopic
from schemas.finding import Change, Finding, Severity, finding_id
from schemas.reading import Line
from schemas.rejection import Rejection
from schemas.result import Result, Verdict
from schemas.times import to_us

if TYPE_CHECKING:
    from tests.servers import Database as Server
    from tests.servers import Servers

BASE_US = 1_767_225_600_000_000
PLACE = Place("t-readings", 3)
RESULTS = Place("t-results", 0)
IDS = {"t-readings": "id-1", "t-results": "id-2"}


@dataclass
class Kit:
    """One store implementation: an owner's hand, and what lies in it."""

    store: Callable[[str], Any]
    unsent: Any
    readings: Callable[[], dict[tuple[int, int, int], float]]
    ledger: Callable[[], dict[str, tuple[int, ...]]]
    rejections: Callable[[], list[tuple[int, int, str]]]
    findings: Callable[[], set[tuple[str, int]]]
    rejudge: Callable[[], dict[int, int]]
    shown: Callable[[], dict[int, str]]
    results: Callable[[], int]


TABLES = (
    "reading, point_state, rejudge, result, rejection, finding, finding_unsent, partition_offset, ledger,"
    " ledger_hole"
)


@pytest.fixture(scope="module")
def judged_database(servers: "Servers") -> Iterator["Server"]:
    """One database for the module; each test finds its tables empty."""
    made = servers.fresh_database()
    yield made
    servers.drop_database(made)


@pytest.fixture(params=["memory", "timescale"])
def kit(request: pytest.FixtureRequest) -> Iterator[Kit]:
    if request.param == "memory":
        yield memory_kit()
        return
    url = request.getfixturevalue("judged_database")
    with psycopg2.connect(url.owner_url) as connection, connection.cursor() as cursor:
        cursor.execute(f"truncate {TABLES} cascade")
    connection.close()
    opened: list[Database] = []

    def database() -> Database:
        opened.append(Database(lambda: psycopg2.connect(url.pipeline_url, options="-c timezone=UTC")))
        return opened[-1]

    yield timescale_kit(database, url.owner_url)
    for one in opened:
        one.close()


def memory_kit() -> Kit:
    tables = MemoryTables()

    def ledger() -> dict[str, tuple[int, ...]]:
        sums: dict[str, tuple[int, ...]] = {}
        for (_, device, _), numbers in tables.ledger.items():
            sums[device] = tuple(a + b for a, b in zip(sums.get(device, (0,) * 5), numbers, strict=True))
        return sums

    return Kit(
        store=lambda owner: MemoryJudgeStore(tables, owner),
        unsent=MemoryUnsent(tables, "judge"),
        readings=lambda: {key: row.value for key, row in tables.readings.items()},
        ledger=ledger,
        rejections=lambda: [
            (p, o, row.rejection.code) for (_, p, o), row in sorted(tables.rejections.items())
        ],
        findings=lambda: set(tables.findings),
        rejudge=lambda: tables.rejudge,
        shown=lambda: {point: shown.state for point, shown in tables.shown.items()},
        results=lambda: len(tables.results),
    )


def timescale_kit(database: Callable[[], Database], owner_url: str) -> Kit:
    def rows(query: str) -> list[tuple[Any, ...]]:
        connection = psycopg2.connect(owner_url, options="-c timezone=UTC")
        try:
            with connection.cursor() as cursor:
                cursor.execute(query)
                return cursor.fetchall()
        finally:
            connection.close()

    return Kit(
        store=lambda owner: JudgeStore(database(), owner),
        unsent=Unsent(database(), "judge"),
        readings=lambda: {
            (p, to_us(at), s): v for p, at, s, v in rows("select point_id, at, seq, value from reading")
        },
        ledger=lambda: {
            device: tuple(map(int, numbers))
            for device, *numbers in rows(
                "select device, sum(accepted), sum(stored), sum(duplicate), sum(quarantined), sum(dead_lettered)"
                " from ledger group by device"
            )
        },
        rejections=lambda: rows("select position, ordinal, code from rejection order by position, ordinal"),
        findings=lambda: set(rows("select id::text, version from finding")),
        rejudge=lambda: {point: to_us(at) for point, at in rows("select point_id, earliest_at from rejudge")},
        shown=lambda: dict(rows("select point_id, state from point_state")),
        results=lambda: rows("select count(*) from result")[0][0],
    )


def line(point: int, second: int, value: float, seq: int = 0) -> Line:
    at = BASE_US + second * 1_000_000
    return Line(p=point, at=at, seq=seq, v=value, q=1, r=at + 5_000)


def owner_of(point: int) -> Owner:
    return Owner(f"d{point}", "e", "hub")


def fresh(first: int, lines: list[Line]) -> Work:
    """A batch of one pack whose readings are all ahead of what is stored."""
    return Work(
        advances=[Advance(PLACE, first, first + 1, len(lines))],
        rows=[pack_row(one) for one in lines],
        packs=[Pack(PLACE, first, lines)],
        owner_of=owner_of,
    )


def merging(first: int, lines: list[Line], behind: bool = False) -> Work:
    work = fresh(first, lines)
    work.rows = []
    work.merges = [
        MergeRow(PLACE, Merge(first, ordinal, one, behind), owner_of(one.p))
        for ordinal, one in enumerate(lines)
    ]
    return work


def finding(version: int = 1, subject: str = "d1/temperature") -> Finding:
    return Finding(
        id=finding_id(subject, "excursion", BASE_US), version=version, change=Change.OPENED, subject=subject,
        device="d1",
        rule="excursion", severity=Severity.ORANGE, start_us=BASE_US, measured_us=BASE_US, received_us=BASE_US + 1,
        metric="temperature", point_id=1, peak=9.5, limit=8.0, unit="Cel", profile="p", profile_version=1,
        detail={"a": "b"},
    )  # fmt: skip


def claimed(kit: Kit, owner: str = "a", start: int = 0) -> Any:
    store = kit.store(owner)
    store.claim({PLACE: start, RESULTS: 0}, IDS)
    return store


def test_a_new_partition_begins_at_the_start_of_its_log(kit: Kit) -> None:
    claim = kit.store("a").claim({PLACE: 7}, IDS)[PLACE]
    assert (claim.next, claim.checkpoint_position, claim.checkpoint) == (7, 7, None)


def test_a_claim_gives_what_was_committed(kit: Kit) -> None:
    claimed(kit).write(fresh(0, [line(1, 0, 4.0)]))
    claim = kit.store("b").claim({PLACE: 0}, IDS)[PLACE]
    assert (claim.next, claim.checkpoint_position, claim.pending_values) == (1, 0, 1)


def test_another_topic_id_is_refused(kit: Kit) -> None:
    claimed(kit)
    with pytest.raises(WrongTopic):
        kit.store("b").claim({PLACE: 0}, {"t-readings": "other"})
    claimed(kit).write(fresh(0, []))


def test_rows_and_position_are_committed_together(kit: Kit) -> None:
    store = claimed(kit)
    outcome = store.write(fresh(0, [line(1, 0, 4.0), line(2, 0, 5.5)]))
    assert (outcome.stored, outcome.duplicate, outcome.conflict) == (2, 0, 0)
    assert kit.readings() == {(1, BASE_US, 0): 4.0, (2, BASE_US, 0): 5.5}


def test_a_batch_that_is_in_already_is_not_written_again(kit: Kit) -> None:
    store, work = claimed(kit), merging(0, [line(1, 0, 4.0)])
    work.bookings.append(Booking("t-readings", "d1", BASE_US, accepted=1, stored=1))
    assert store.write(work).stored == 1
    assert store.write(work).stored == 0
    assert kit.ledger() == {"d1": (1, 1, 0, 0, 0)}


def test_positions_must_follow(kit: Kit) -> None:
    with pytest.raises(Permanent):
        claimed(kit).write(fresh(5, [line(1, 0, 4.0)]))
    assert kit.readings() == {}


def test_the_owner_before_is_fenced(kit: Kit) -> None:
    first = claimed(kit, "a")
    second = claimed(kit, "b")
    with pytest.raises(Fenced):
        first.write(fresh(0, [line(1, 0, 4.0)]))
    assert kit.readings() == {}
    assert second.write(fresh(0, [line(1, 0, 4.0)])).stored == 1


def test_duplicate_and_conflict_are_told_apart(kit: Kit) -> None:
    store = claimed(kit)
    store.write(fresh(0, [line(1, 0, 4.0), line(2, 0, 5.0)]))
    outcome = store.write(merging(1, [line(1, 0, 4.0), line(2, 0, 6.0), line(3, 0, 7.0)]))
    assert (outcome.stored, outcome.duplicate, outcome.conflict) == (1, 1, 1)
    assert kit.readings()[(2, BASE_US, 0)] == 5.0
    assert kit.rejections() == [(1, 1, "conflict")]
    (refused,) = outcome.refused
    assert (refused.device, refused.publisher, refused.topic) == ("d2", "hub", "cw/v1/e/d2/telemetry")
    assert refused.detail == "5.0 ≠ 6.0"
    assert kit.ledger() == {"d1": (0, -1, 1, 0, 0), "d2": (0, -1, 0, 1, 0)}


def test_the_first_of_two_in_one_batch_stays(kit: Kit) -> None:
    outcome = claimed(kit).write(merging(0, [line(1, 0, 4.0), line(1, 0, 9.0), line(1, 0, 4.0)]))
    assert (outcome.stored, outcome.duplicate, outcome.conflict) == (1, 1, 1)
    assert kit.readings() == {(1, BASE_US, 0): 4.0}


def test_a_row_that_was_stored_already_turns_the_batch_to_the_careful_way(kit: Kit) -> None:
    store = claimed(kit)
    store.write(fresh(0, [line(1, 0, 4.0)]))
    outcome = store.write(fresh(1, [line(1, 0, 4.0), line(1, 60, 4.5)]))
    assert (outcome.stored, outcome.duplicate) == (1, 1)
    assert kit.readings() == {(1, BASE_US, 0): 4.0, (1, BASE_US + 60_000_000, 0): 4.5}


def test_late_rows_are_noted_for_judging_again_duplicates_are_not(kit: Kit) -> None:
    store = claimed(kit)
    store.write(fresh(0, [line(1, 60, 4.0), line(2, 60, 4.0)]))
    store.write(merging(1, [line(1, 30, 4.0), line(1, 10, 4.0), line(2, 60, 4.0)], behind=True))
    store.write(merging(2, [line(1, 40, 4.0)], behind=True))
    assert kit.rejudge() == {1: BASE_US + 10_000_000}


def test_findings_are_rows_first_and_unsent_until_they_are_sent(kit: Kit) -> None:
    store, work = claimed(kit), fresh(0, [])
    work.findings = [FindingRow(PLACE, "e", finding())]
    assert store.write(work).findings == 1
    assert kit.unsent.fetch([RESULTS]) == []
    assert kit.unsent.fetch([PLACE]) == [finding()]
    kit.unsent.sent([finding()])
    assert kit.unsent.fetch([PLACE]) == []
    assert kit.findings() == {(finding().id, 1)}


def test_a_finding_that_is_there_is_not_told_again(kit: Kit) -> None:
    store = claimed(kit)
    for position in (0, 1):
        work = fresh(position, [])
        work.findings = [FindingRow(PLACE, "e", finding())]
        store.write(work)
        kit.unsent.sent(kit.unsent.fetch([PLACE]))
    assert kit.findings() == {(finding().id, 1)}


def test_a_checkpoint_takes_the_pending_books_with_it(kit: Kit) -> None:
    store = claimed(kit)
    store.write(fresh(0, [line(1, 0, 4.0)]))
    work = Work(advances=[Advance(PLACE, 1, 1, checkpoint=Checkpoint(1, b"state"))])
    work.bookings = [Booking("t-readings", "d1", BASE_US, 1, 1)]
    store.write(work)
    store.write(work)  # a commit whose outcome was unknown
    claim = kit.store("b").claim({PLACE: 0}, IDS)[PLACE]
    assert (claim.checkpoint_position, claim.checkpoint, claim.pending_values) == (1, b"state", 0)
    assert kit.ledger() == {"d1": (1, 1, 0, 0, 0)}


def test_states_shown_are_the_last_ones(kit: Kit) -> None:
    store = claimed(kit)
    for position, state in enumerate(("in_range", "breach")):
        work = fresh(position, [])
        work.shown = {1: Shown(state, BASE_US)}
        store.write(work)
    assert kit.shown() == {1: "breach"}


def test_a_rejection_is_one_row_by_where_it_came_from(kit: Kit) -> None:
    store = claimed(kit)
    rejection = Rejection(code="bad_json", detail="nul \0 in it", device="d1", received_us=BASE_US)
    for position in (0, 1):
        work = fresh(position, [])
        work.rejections = [RejectionRow(PLACE, 0, 0, "e", rejection, b"\xff\x00raw")]
        store.write(work)
    assert kit.rejections() == [(0, 0, "bad_json")]


def result(verdict: Verdict, content: str) -> Result:
    return Result(
        device="d1", number="n1", at_us=BASE_US, received_us=BASE_US, sample="s", item="i", verdict=verdict,
        verdict_raw=verdict.value, content_sha256=content,
    )  # fmt: skip


def test_results_are_stored_once_and_a_worse_resend_amends(kit: Kit) -> None:
    store = claimed(kit)
    sent = [
        result(Verdict.SUSPICIOUS, "1"), result(Verdict.SUSPICIOUS, "1"), result(Verdict.POSITIVE, "2"),
        result(Verdict.NEGATIVE, "3"),
    ]  # fmt: skip
    for position, one in enumerate(sent):
        work = Work(advances=[Advance(RESULTS, position, position + 1)])
        work.results = [ResultRow(RESULTS, position, "e", one)]
        store.write(work)
    assert kit.results() == 3
    assert {version for _, version in kit.findings()} == {1, 2}
    assert kit.ledger() == {"d1": (4, 3, 1, 0, 0)}


def test_a_result_with_nul_in_its_words_is_stored(kit: Kit) -> None:
    store = claimed(kit)
    odd = msgspec.structs.replace(result(Verdict.POSITIVE, "1"), number="n\0", sample="s\0", raw="\0")
    work = Work(advances=[Advance(RESULTS, 0, 1)])
    work.results = [ResultRow(RESULTS, 0, "e", odd)]
    assert store.write(work).findings == 1
    assert kit.results() == 1
