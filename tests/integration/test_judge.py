"""Real judge processes on real servers: what comes in becomes rows and findings once, whatever dies meanwhile."""

import random
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from kafka import KafkaProducer

from ingest.device_changes import Change
from processors.judge.offline import episodes_of, judge_stored
from processors.judge.registry_view import RegistryView
from processors.judge.store import JudgeStore
from processors.worker.database import Database as Connected
from schemas.reading import refused_line
from schemas.rejection import Rejection, encode_rejection
from schemas.result import Result, Verdict, encode_result
from schemas.topics import READINGS, REJECTIONS, RESULTS, partition_of
from tests.judges import Judges, Packs
from tests.length import LONG
from tests.servers import Database
from tests.waiting import until

pytestmark = pytest.mark.long

ROUNDS = 6 if LONG else 4


@pytest.fixture
def judges(kafka_bootstrap: str, fresh_database: Database, tmp_path: Path) -> Iterator[Judges]:
    made = Judges(kafka_bootstrap, fresh_database, tmp_path / "home")
    yield made
    made.stop()


def value_of(device: int, second: int) -> float:
    """Some rooms are warm for 30 s now and then, so that there are findings to compare."""
    return 12.0 if device % 4 == 0 and second // 30 % 2 else 4.0


def feed(packs: Packs, points: dict[str, int], seconds: range, resend: random.Random | None = None) -> None:
    """Each device every two seconds; with `resend` one reading in fifty once more, in the next pack."""
    again: dict[str, list[bytes]] = {}
    for second in seconds:
        lines = again
        again = {}
        for device, point in points.items():
            number = int(device[1:])
            if (second + number) % 2 == 0:
                text = packs.reading(point, second, value_of(number, second))
                lines.setdefault(device, []).append(text)
                if resend and resend.random() < 0.02:
                    again.setdefault(device, []).append(text)
        packs.send(second, lines)
    packs.flush()


def book_of(judges: Judges) -> RegistryView:
    import psycopg2

    database = Connected(lambda: psycopg2.connect(judges.database.pipeline_url))
    book = RegistryView()
    JudgeStore(database, "test").refresh(book)
    database.close()
    return book


def offline(judges: Judges) -> set[object]:
    return set(judge_stored(judges.readings(), book_of(judges)))


def live(judges: Judges) -> set[object]:
    return set(episodes_of(f for f in judges.told() if f.rule in ("excursion", "door_open")))


def test_packs_become_rows_findings_and_a_balanced_ledger(judges: Judges) -> None:
    points = judges.register()
    judges.start()
    packs = Packs(judges)
    feed(packs, points, range(90))
    books = judges.settled()
    assert (books.accepted, books.stored, books.in_flight, books.balanced) == (
        packs.values,
        packs.values,
        0,
        True,
    )
    assert len(judges.readings()) == packs.values
    assert live(judges) == offline(judges) != set()
    assert judges.sql("select distinct state from point_state") == [("in_range",)]


def test_everything_that_is_not_a_plain_reading_ends_in_its_one_place(judges: Judges) -> None:
    points = judges.register()
    judges.start()
    packs = Packs(judges)
    first = packs.reading(points["d0"], 10, 4.0)
    packs.send(10, {"d0": [first], "d1": [packs.reading(points["d1"], 10, 4.0)]})
    packs.send(11, {"d0": [first, packs.reading(points["d0"], 10, 5.0), packs.reading(points["d0"], 5, 4.0)]})
    packs.send(12, {"d1": [refused_line("d1", "bad_json", packs.us(12))]})
    packs.send(13, {"d2": [packs.reading(999_999, 13, 4.0)]})
    packs.raw(b"\xff not ours", partition_of("d0", READINGS.partitions))
    packs.flush()
    send_others(judges, packs)
    books = judges.settled()
    assert books.balanced
    assert (books.stored, books.duplicate, books.quarantined, books.dead_lettered) == (4, 2, 3, 3)
    codes = judges.sql("select code, disposition, raw is not null from rejection order by code")
    assert codes == [
        ("bad_record", "dead_lettered", True), ("bad_record", "dead_lettered", True),
        ("bad_record", "dead_lettered", True), ("clock", "quarantined", True), ("conflict", "quarantined", True),
    ]  # fmt: skip
    assert judges.sql("select point_id from rejudge") == [(points["d0"],)]
    assert {(f.rule, f.subject) for f in judges.told()} == {
        ("refused", "d0"), ("refused", "d1"), ("positive_test", "d3/n1"),
    }  # fmt: skip


def send_others(judges: Judges, packs: Packs) -> None:
    """A result twice, something that is none, and a rejection of two values."""
    producer = KafkaProducer(bootstrap_servers=judges.bootstrap, acks="all")
    result = encode_result(
        Result(
            device="d3", number="n1", at_us=packs.us(1), received_us=packs.us(2), sample="s", item="i",
            verdict=Verdict.POSITIVE, verdict_raw="+", content_sha256="aa",
        )
    )  # fmt: skip
    place = {"topic": judges.prefix + RESULTS.name, "partition": partition_of("d3", RESULTS.partitions)}
    for value in (result, result, b"{}"):
        producer.send(value=value, **place)
    rejection = Rejection(code="clock", device="d3", publisher="d3", received_us=packs.us(3), count=2)
    producer.send(
        judges.prefix + REJECTIONS.name, value=b"raw", partition=0,
        headers=[("rejection", encode_rejection(rejection)), ("count", b"2")],
    )  # fmt: skip
    producer.flush()
    producer.close()


def test_killed_judges_lose_and_double_nothing(judges: Judges) -> None:
    points = judges.register()
    chance = random.Random(7)
    judges.start(batch_packs=8)
    judges.start(batch_packs=8)
    packs = Packs(judges)
    for round_ in range(ROUNDS):
        feed(packs, points, range(round_ * 60, round_ * 60 + 60), chance)
        before = len(judges.readings())
        until(lambda before=before: len(judges.readings()) > before, 40)
        victim = judges.processes[-2]
        victim.kill()
        victim.wait()
        judges.start(batch_packs=8)
        if round_ == 1:
            judges.sql(
                "select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'coldwatch-judge%'"
                " and datname = current_database()"
            )
    feed(packs, points, range(ROUNDS * 60, ROUNDS * 60 + 60), chance)
    books = judges.settled(90)
    assert books.balanced
    assert books.accepted == packs.values
    assert books.stored == len(judges.readings()) == (ROUNDS + 1) * 60 * len(points) // 2
    assert books.duplicate == packs.values - books.stored
    assert live(judges) == offline(judges) != set()
    told = {(f.id, f.version) for f in judges.told()}
    assert told == {(id_, version) for id_, version, *_ in judges.findings()}


def test_a_frozen_judge_does_no_harm_when_it_wakes(judges: Judges) -> None:
    points = judges.register()
    frozen = judges.start()
    packs = Packs(judges)
    feed(packs, points, range(10))
    judges.settled()
    frozen.send_signal(signal.SIGSTOP)
    judges.start()
    try:
        until(lambda: gone(judges, frozen), 40)
        feed(packs, points, range(10, 20))
        judges.settled()
    finally:
        frozen.send_signal(signal.SIGCONT)
    feed(packs, points, range(20, 30))
    books = judges.settled()
    assert books.balanced
    assert books.stored == len(judges.readings()) == packs.values


def gone(judges: Judges, process: "subprocess.Popen[bytes]") -> bool:
    """Whether every partition has left the process."""
    rows = judges.sql("select owner from partition_offset")
    return bool(rows) and all(f"/{process.pid}/" not in owner for (owner,) in rows)


def test_a_second_owner_makes_the_first_one_exit(judges: Judges) -> None:
    points = judges.register()
    first = judges.start()
    packs = Packs(judges)
    feed(packs, points, range(4))
    judges.settled()
    judges.sql("update partition_offset set owner = 'somebody else'")
    feed(packs, points, range(4, 8))
    until(lambda: first.poll() is not None, 20)
    assert first.returncode != 0
    assert "belongs to somebody else" in judges.log.read_text()
    assert len(judges.readings()) == 4 * len(points) // 2
    judges.start()
    assert judges.settled().stored == packs.values


def test_a_replaced_topic_is_refused_with_the_remedy(judges: Judges) -> None:
    points = judges.register()
    first = judges.start()
    packs = Packs(judges)
    feed(packs, points, range(4))
    judges.settled()
    first.send_signal(signal.SIGTERM)
    assert first.wait(30) == 0
    judges.sql("update partition_offset set topic_id = 'another'")
    second = judges.start()
    until(lambda: second.poll() is not None, 30)
    assert second.returncode == 3
    assert "Kafka was wiped or replaced" in judges.log.read_text()


def test_a_database_ahead_of_its_topic_is_refused(judges: Judges) -> None:
    points = judges.register()
    first = judges.start()
    packs = Packs(judges)
    feed(packs, points, range(4))
    judges.settled()
    first.send_signal(signal.SIGTERM)
    assert first.wait(30) == 0
    judges.sql(
        "update partition_offset set next_position = next_position + 1000, checkpoint_position = next_position + 1000"
    )
    second = judges.start()
    until(lambda: second.poll() is not None, 40)
    assert second.returncode == 3
    assert "the database has judged up to" in judges.log.read_text()


def test_the_topic_read_again_into_a_database_of_registry_and_profiles_gives_the_same_findings(
    judges: Judges, servers: "object", tmp_path: Path
) -> None:
    points = judges.register()
    first = judges.start()
    packs = Packs(judges)
    feed(packs, points, range(60))
    packs.send(
        60,
        {
            "d5": [refused_line("d5", "bad_json", packs.us(60))],
            "d6": [refused_line("d6", "clock", packs.us(60))],
        },
    )
    judges.settled()
    judges.change(Change(device="d0", profile="demo-frozen"), packs.us(56))
    judges.change(Change(device="d4", profile="chilled", interval_us=20_000_000), packs.us(56))
    judges.change(Change(device="d1", interval_us=4_000_000), packs.us(56))
    first.kill()  # its second life begins at a checkpoint
    first.wait()
    judges.start()
    for second in range(61, 90):
        packs.send(second, {})  # everybody falls silent
    feed(packs, points, range(90, 120))
    packs.flush()
    judges.settled()
    judges.change(Change(device="d8", kind="door"), packs.us(116))
    judges.change(Change(device="d12", profile="gateway", kind="gateway"), packs.us(116))
    judges.processes[-1].kill()
    judges.processes[-1].wait()
    judges.start()
    feed(packs, {d: p for d, p in points.items() if d not in ("d8", "d12")}, range(120, 150))
    packs.flush()
    judges.settled()
    judges.stop()
    assert {"silence", "excursion", "refused", "clock"} == {row[4] for row in judges.findings()}
    changed = dict(judges.sql("select device, count(*) from device_fact group by device having count(*) > 1"))
    assert set(changed) == {"d0", "d1", "d4", "d8", "d12"}
    empty = servers.fresh_database()  # type: ignore[attr-defined]
    again = Judges(judges.bootstrap, empty, tmp_path / "again", judges.prefix)
    try:
        again.copy_registry(judges)
        again.start()
        again.settled()
        assert again.findings() == judges.findings()
        assert {(row.p, row.at, row.v) for row in again.readings()} == {
            (r.p, r.at, r.v) for r in judges.readings()
        }
    finally:
        again.stop()
        servers.drop_database(empty)  # type: ignore[attr-defined]
