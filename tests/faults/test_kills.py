"""kill -9 of every process under load: nothing accepted is lost, nothing is doubled, every finding is exact.

Meanwhile devices get another interval and other limits, so that a judge who begins anew must judge by what held then.
"""

import random
import signal
from collections.abc import Iterator

import pytest

from coldwatch.wiring.connections import connect_database
from processors.judge import offline
from processors.judge.registry_view import RegistryView
from processors.judge.store import JudgeStore
from processors.worker.database import Database
from schemas.reading import Line
from tests import refused_sockets
from tests.faults import changes, checker
from tests.faults.drill import Drill
from tests.faults.rebuild import rebuilt
from tests.length import LONG

pytestmark = [pytest.mark.long, *refused_sockets.FORGIVEN]
SEED = 20261123
VICTIMS = ("judge", "frames", "gateway", "kafka", "postgres")
ROUNDS = 15 if LONG else 5


@pytest.fixture(scope="module")
def drill(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Drill]:
    """A stack that was under load while its processes were killed one after the other, drained by now."""
    made = Drill(tmp_path_factory.mktemp("kills"), SEED, devices=100 if LONG else 50)
    try:
        made.start()
        made.until_flowing()
        changes.make(made)
        chance = random.Random(SEED)
        for round_ in range(ROUNDS):
            victim = VICTIMS[round_ % len(VICTIMS)]
            made.until_acked(chance.randrange(50, 800))
            made.stack.kill(victim, signal.SIGKILL)
            made.until_flowing()
            made.stack.wait_ready(limit_s=60)
        made.finish()
        yield made
    finally:
        made.stop()


def test_every_acknowledged_reading_is_stored_once_and_nothing_else(drill: Drill) -> None:
    report = checker.check_readings([drill.log], drill.reader_url)
    assert report.acked > 1000
    assert report.held, report


def test_every_acknowledged_frame_result_and_refused_payload_is_kept(drill: Drill) -> None:
    assert checker.missing_others([drill.log], drill.reader_url) == []


def test_the_ledger_balances_with_nothing_in_flight(drill: Drill) -> None:
    assert drill.books.balanced, drill.books
    assert drill.books.in_flight == 0


def test_findings_are_those_of_the_pure_engine_over_the_stored_readings(drill: Drill) -> None:
    found = checker.episodes(drill.reader_url, ("excursion", "door_open"))
    assert found, "the load opens excursions"
    assert found == set(offline.judge_stored(lines(drill), registry(drill)))


def lines(drill: Drill) -> Iterator[Line]:
    for _device, _metric, point, at_us, seq, value, quality, received_us in checker.stored_readings(
        drill.reader_url
    ):
        yield Line(p=point, at=at_us, seq=seq, v=value, q=quality, r=received_us)


def registry(drill: Drill) -> RegistryView:
    """Points and profiles as the judge reads them."""
    settings = drill.settings.database
    database = Database(lambda: connect_database(settings.pipeline_url, settings, "drill"))
    book = RegistryView()
    JudgeStore(database, "drill").refresh(book)
    database.close()
    return book


def test_the_topics_read_again_give_every_version_of_the_same_findings(drill: Drill) -> None:
    drill.stack.pause("gateway")  # nothing may be added while the two are compared
    with rebuilt(drill.settings) as reader_url:
        again, first = checker.finding_versions(reader_url), judged(drill)
        assert first - again == set()
        assert again - first == set()
        assert changes.held(reader_url) == changes.held(drill.reader_url) == changes.AS_MADE
    assert {row[11] for row in first if row[4] == "excursion"} >= {1, 2}, (
        "found before and after the limits changed"
    )


def judged(drill: Drill) -> set[tuple[object, ...]]:
    """The cameras' worker has topics and findings of its own."""
    cameras = {"camera_black", "camera_covered", "camera_frozen"}
    return {row for row in checker.finding_versions(drill.reader_url) if row[4] not in cameras}
