"""The frames worker's store and its twin in memory keep the same contract."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg2
import pytest

from processors.frames.handler import Store
from processors.frames.memory import MemoryFrames
from processors.frames.store import Camera, FrameRow, FramesStore, FramesWork
from processors.worker.database import Database
from processors.worker.work import Advance, Checkpoint, FindingRow, Place, RejectionRow
from schemas.errors import Fenced, Permanent
from schemas.finding import Change, Finding, Severity, finding_id
from schemas.frame import FrameReference
from schemas.rejection import Rejection

if TYPE_CHECKING:
    from tests.servers import Servers

BASE_US = 1_767_225_600_000_000
PLACE = Place("t-frames", 2)
IDS = {"t-frames": "id-1"}


@dataclass
class Kit:
    """One implementation, and what lies in it: rows: (at_us, seq, faults); rejected: raw bytes."""

    store: Store
    rows: Callable[[], list[tuple[int, int, list[str]]]]
    ledger: Callable[[], tuple[int, ...]]
    findings: Callable[[], list[tuple[str, int]]]
    rejected: Callable[[], list[bytes]]
    conflicts: Callable[[], list[str]]


def memory() -> Kit:
    store = MemoryFrames({"cam": Camera("e", 2_000_000)})
    return Kit(
        store,
        lambda: sorted((at, seq, faults) for (_, at, seq), (_, _, faults) in store.rows.items()),
        lambda: tuple(sum(b[i] for b in store.ledger) for i in (3, 4, 5, 7)),
        lambda: sorted(store.books.findings),
        lambda: [raw or b"" for _, _, _, raw in store.rejections],
        lambda: [r.detail for _, _, r, _ in store.rejections if r.code == "conflict"],
    )


def ask(url: str, statement: str) -> list[tuple[Any, ...]]:
    connection = psycopg2.connect(url)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return list(cursor.fetchall()) if cursor.description else []
    finally:
        connection.close()


def real(servers: "Servers") -> tuple[Kit, Callable[[], None]]:
    database = servers.fresh_database()
    url = database.owner_url
    ask(url, "insert into county values ('c', 'C'); insert into enterprise values ('e', 'E', 'c')")
    ask(url, "insert into site values ('e', 's', 'S')")
    ask(
        url,
        "insert into device (id, kind, enterprise, site, interval_us, profile, change)"
        " values ('cam', 'camera', 'e', 's', 2000000, 'camera', 1)",
    )
    hands = Database(lambda: psycopg2.connect(database.pipeline_url))
    kit = Kit(
        FramesStore(hands, "one"),
        lambda: ask(
            url, "select (extract(epoch from at) * 1000000)::bigint, seq, faults from frame order by 1, 2"
        ),
        lambda: ask(
            url,
            "select coalesce(sum(accepted), 0)::int, coalesce(sum(stored), 0)::int, coalesce(sum(duplicate), 0)::int,"
            " coalesce(sum(dead_lettered), 0)::int from ledger",
        )[0],
        lambda: ask(url, "select id::text, version from finding order by 1, 2"),
        lambda: [bytes(raw) for (raw,) in ask(url, "select raw from rejection")],
        lambda: [
            detail
            for (detail,) in ask(
                url,
                "select detail from rejection where code = 'conflict' and disposition = 'quarantined'"
                " and device = 'cam' and enterprise = 'e' and raw is null and length(stored) = 64 order by position",
            )
        ],
    )

    def end() -> None:
        hands.close()
        servers.drop_database(database)

    return kit, end


@pytest.fixture(params=["memory", "postgres"])
def kit(request: pytest.FixtureRequest) -> Iterator[Kit]:
    if request.param == "memory":
        yield memory()
        return
    made, end = real(request.getfixturevalue("servers"))
    yield made
    end()


def row(number: int, *faults: str, sha256: str = "ab" * 32, position: int | None = None) -> FrameRow:
    frame = FrameReference(
        camera="cam", at_us=BASE_US + number, seq=number, received_us=BASE_US + number, sha256=sha256, size_bytes=9,
        width=640, height=360,
    )  # fmt: skip
    return FrameRow(
        PLACE, number if position is None else position, "e", frame, {"black": 0.25}, list(faults)
    )


def finding(version: int) -> FindingRow:
    made = Finding(
        id=finding_id("cam", "camera_black", BASE_US), version=version, change=Change.OPENED, subject="cam",
        device="cam", rule="camera_black",
        severity=Severity.ORANGE, start_us=BASE_US, measured_us=BASE_US, received_us=BASE_US,
        detail={"sha256": "ab" * 32},
    )  # fmt: skip
    return FindingRow(PLACE, "e", made)


def work(first: int, after: int, *rows: FrameRow) -> FramesWork:
    return FramesWork(advances=[Advance(PLACE, first, after)], frames=list(rows))


def test_frames_are_stored_once_and_booked_each_time(kit: Kit) -> None:
    kit.store.claim({PLACE: 0}, IDS)
    outcome = kit.store.write(work(0, 3, row(1), row(2, "black"), row(1)))
    assert (outcome.stored, outcome.duplicate) == (2, 1)
    outcome = kit.store.write(work(3, 4, row(2, "black")))
    assert (outcome.stored, outcome.duplicate) == (0, 1)
    assert kit.rows() == [(BASE_US + 1, 1, []), (BASE_US + 2, 2, ["black"])]
    assert kit.ledger() == (4, 2, 2, 0)


@pytest.mark.parametrize("before", [True, False], ids=["of a batch before", "of the same batch"])
def test_another_picture_of_the_same_camera_time_and_seq_is_a_conflict(kit: Kit, before: bool) -> None:
    kit.store.claim({PLACE: 0}, IDS)
    others = [row(1, sha256=letter * 64, position=n) for n, letter in enumerate("cd", 1)]
    if before:
        kit.store.write(work(0, 1, row(1)))
    first = [] if before else [row(1, position=0)]
    outcome = kit.store.write(work(len(kit.rows()), 4, *first, *others, row(1, position=3)))
    assert (outcome.stored, outcome.duplicate, outcome.conflict) == (len(first), 1, 2)
    assert kit.rows() == [(BASE_US + 1, 1, [])]
    assert kit.ledger() == (4, 1, 1, 0)
    assert kit.conflicts() == [f"{'ab' * 6} ≠ {letter * 12}" for letter in "cd"]


def test_a_batch_that_is_in_already_writes_nothing(kit: Kit) -> None:
    kit.store.claim({PLACE: 0}, IDS)
    kit.store.write(work(0, 2, row(1), row(2)))
    assert kit.store.write(work(0, 2, row(1), row(2))).stored == 0
    assert kit.ledger() == (2, 2, 0, 0)


def test_positions_that_do_not_follow_are_refused_whole(kit: Kit) -> None:
    kit.store.claim({PLACE: 0}, IDS)
    with pytest.raises(Permanent):
        kit.store.write(work(5, 6, row(1)))
    assert kit.rows() == []
    assert kit.ledger() == (0, 0, 0, 0)


def test_a_checkpoint_comes_back_with_the_next_claim(kit: Kit) -> None:
    kit.store.claim({PLACE: 0}, IDS)
    first = work(0, 1, row(1))
    first.advances[0].checkpoint = Checkpoint(1, b"state")
    kit.store.write(first)
    kit.store.write(work(1, 3, row(2), row(3)))
    claim = kit.store.claim({PLACE: 0}, IDS)[PLACE]
    assert (claim.next, claim.checkpoint_position, claim.checkpoint) == (3, 1, b"state")


def test_a_checkpoint_alone_moves_no_position(kit: Kit) -> None:
    kit.store.claim({PLACE: 0}, IDS)
    kit.store.write(work(0, 1, row(1)))
    alone = FramesWork(advances=[Advance(PLACE, 1, 1, checkpoint=Checkpoint(1, b"later"))])
    kit.store.write(alone)
    claim = kit.store.claim({PLACE: 0}, IDS)[PLACE]
    assert (claim.next, claim.checkpoint) == (1, b"later")


def test_a_finding_version_is_counted_once(kit: Kit) -> None:
    kit.store.claim({PLACE: 0}, IDS)
    first = work(0, 1, row(1))
    first.findings = [finding(1)]
    assert kit.store.write(first).findings == 1
    second = work(1, 2, row(2))
    second.findings = [finding(1), finding(2)]
    assert kit.store.write(second).findings == 1
    assert [version for _, version in kit.findings()] == [1, 2]


def test_a_bad_record_is_kept_with_its_bytes_and_booked(kit: Kit) -> None:
    kit.store.claim({PLACE: 0}, IDS)
    batch = work(0, 1)
    rejection = Rejection(code="bad_record", detail="a\0b", received_us=BASE_US)
    batch.rejections = [RejectionRow(PLACE, 0, 0, None, rejection, b"\x00\xffraw")]
    kit.store.write(batch)
    assert kit.rejected() == [b"\x00\xffraw"]
    assert kit.ledger() == (1, 0, 0, 1)


def test_cameras_are_looked_up_by_name(kit: Kit) -> None:
    assert kit.store.cameras(["cam", "stranger"]) == {"cam": Camera("e", 2_000_000)}
    assert kit.store.cameras([]) == {}


def test_a_camera_that_was_retired_says_so(servers: "Servers") -> None:
    kit, end = real(servers)
    try:
        assert isinstance(kit.store, FramesStore)
        with kit.store.database.transaction() as cursor:
            cursor.execute("update device set retired_at = to_timestamp(%s / 1e6)", (BASE_US,))
        assert kit.store.cameras(["cam"]) == {"cam": Camera("e", 2_000_000, BASE_US)}
    finally:
        end()


def test_a_worker_that_lost_its_partition_is_fenced(servers: "Servers") -> None:
    kit, end = real(servers)
    try:
        assert isinstance(kit.store, FramesStore)
        kit.store.claim({PLACE: 0}, IDS)
        FramesStore(kit.store.database, "two").claim({PLACE: 0}, IDS)
        with pytest.raises(Fenced):
            kit.store.write(work(0, 1, row(1)))
        assert kit.rows() == []
    finally:
        end()
