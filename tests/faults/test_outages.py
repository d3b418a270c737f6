"""A server, the gateway or the camera worker away for a while: nothing lost, memory bounded, nobody called silent.

Sixty seconds each in `make faults`. In `make test` only the short ones run: the pauses are the point of the others.
"""

import signal
from collections.abc import Iterator

import pytest

from bench.cpu import memory_bytes
from tests import refused_sockets
from tests.faults import checker
from tests.faults.drill import RECOVERY_S, Drill
from tests.length import LONG
from tests.waiting import until

pytestmark = [pytest.mark.long, *refused_sockets.FORGIVEN]
OUTAGE_MESSAGES = 12_000 if LONG else 1_200
"""An outage lasts until the senders have made this many messages more: 60 s, or 6 s, at 200 a second."""
BOUND_BYTES = 512 * 1024 * 1024


@pytest.fixture(scope="module")
def drill(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Drill]:
    made = Drill(tmp_path_factory.mktemp("outages"), seed=7)
    try:
        made.start()
        made.until_flowing()
        yield made
    finally:
        made.stop()


def made_more(drill: Drill, messages: int) -> None:
    """Returns when the senders have logged that many lines more; unacknowledged ones are made all the same."""
    goal = drill.logged() + messages
    until(lambda: drill.logged() >= goal, 300, 0.2)


def silent(drill: Drill) -> set[str]:
    return {
        subject for _id, subject, rule, *_ in checker.findings_with_ids(drill.reader_url) if rule == "silence"
    }


def test_kafka_away_means_no_puback_bounded_memory_and_no_silence(drill: Drill) -> None:
    drill.stack.pause("kafka")
    acked = drill.acked()
    made_more(drill, OUTAGE_MESSAGES)
    assert drill.acked() == acked
    assert memory_bytes(drill.stack.services["gateway"].pid) < BOUND_BYTES
    drill.stack.resume("kafka")
    drill.until_flowing()
    assert silent(drill) == set()


def test_the_database_away_means_pubacks_go_on_and_lag_drains(drill: Drill) -> None:
    drill.stack.pause("postgres")
    drill.until_acked(OUTAGE_MESSAGES, 300)
    assert memory_bytes(drill.stack.services["judge"].pid) < BOUND_BYTES
    assert memory_bytes(drill.stack.services["gateway"].pid) < BOUND_BYTES
    drill.stack.resume("postgres")
    drill.until_flowing()
    assert silent(drill) == set()


def test_the_gateway_away_makes_nobody_silent(drill: Drill) -> None:
    drill.stack.pause("gateway")
    made_more(drill, OUTAGE_MESSAGES // 2)
    drill.stack.resume("gateway")
    drill.until_flowing()
    assert silent(drill) == set()


@pytest.mark.parametrize("fault", [signal.SIGSTOP, signal.SIGKILL])
def test_a_blocked_or_killed_camera_worker_delays_no_reading(drill: Drill, fault: int) -> None:
    drill.stack.kill("frames", fault)
    drill.until_flowing()
    stored = drill.stored()
    until(lambda: drill.stored() > stored + 1_000, RECOVERY_S, 0.2)
    if fault == signal.SIGSTOP:
        drill.stack.kill("frames", signal.SIGKILL)
    drill.stack.wait_ready("frames", limit_s=RECOVERY_S)


def test_afterwards_everything_acknowledged_is_there_and_the_ledger_balances(drill: Drill) -> None:
    drill.finish()
    report = checker.check_readings([drill.log], drill.reader_url)
    assert report.held, report
    assert checker.missing_others([drill.log], drill.reader_url) == []
    assert drill.books.balanced, drill.books
