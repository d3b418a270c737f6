"""The checker of the fault drills is itself checked: it names what is missing, foreign or changed."""

from pathlib import Path

import psycopg2
import pytest

from tests.faults import checker
from tests.servers import Database

AT_US = 1_795_478_400_000_000


@pytest.fixture
def stored(fresh_database: Database) -> Database:
    """Readings 1, 2 and 3 of one probe."""
    connection = psycopg2.connect(fresh_database.pipeline_url)
    with connection, connection.cursor() as cursor:
        cursor.execute("insert into county values ('c', 'c')")
        cursor.execute("insert into enterprise values ('e', 'e', 'c')")
        cursor.execute("insert into site values ('e', 's', 's')")
        cursor.execute(
            "insert into device (id, kind, enterprise, site, interval_us, profile, change)"
            " values ('d', 'probe', 'e', 's', 2000000, 'demo', 0)"
        )
        cursor.execute(
            "insert into point (device, enterprise, metric, unit, possible_low, possible_high)"
            " values ('d', 'e', 'temperature', 'Cel', -80, 85) returning id"
        )
        (point,) = cursor.fetchone() or (0,)
        for seq in (1, 2, 3):
            cursor.execute(
                "insert into reading values (%s, to_timestamp(%s), %s, 4.5, 1, now())",
                (point, AT_US // 10**6, seq),
            )
    connection.close()
    return fresh_database


def line(seq: int, acked: int, value: float = 4.5) -> str:
    return f"d,temperature,{AT_US},{seq},{value},{acked}\n"


def check(stored: Database, log: Path, *lines: str) -> checker.Report:
    log.write_text("".join(lines))
    return checker.check_readings([log], stored.reader_url)


def test_a_run_that_held_is_said_to_have_held(stored: Database, tmp_path: Path) -> None:
    sent = [line(seq, acked) for seq in (1, 2, 3) for acked in (0, 1)]
    report = check(stored, tmp_path / "log", *sent)
    assert report.held
    assert (report.sent, report.acked, report.stored) == (3, 3, 3)


def test_stored_without_an_acknowledgement_is_allowed(stored: Database, tmp_path: Path) -> None:
    assert check(stored, tmp_path / "log", line(1, 1), line(2, 1), line(3, 0)).held


def test_an_acknowledged_reading_that_is_not_there_is_named(stored: Database, tmp_path: Path) -> None:
    report = check(stored, tmp_path / "log", *(line(seq, 1) for seq in (1, 2, 3, 4)))
    assert report.missing == [("d", "temperature", AT_US, 4)]


def test_a_reading_that_nobody_sent_is_named(stored: Database, tmp_path: Path) -> None:
    assert check(stored, tmp_path / "log", line(1, 1), line(2, 1)).foreign == [("d", "temperature", AT_US, 3)]


def test_a_changed_value_is_named(stored: Database, tmp_path: Path) -> None:
    report = check(stored, tmp_path / "log", line(1, 1), line(2, 1, value=5.5), line(3, 1))
    assert report.changed == [("d", "temperature", AT_US, 2)]


def test_an_acknowledged_frame_result_or_refusal_that_is_not_there_is_named(
    stored: Database, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    log.write_text("".join(f"d,{kind},{AT_US},7,0,1\n" for kind in ("frame", "result", "bad")))
    missing = checker.missing_others([log], stored.reader_url)
    assert {kind for _device, kind, _at, _seq in missing} == {"frame", "result", "bad"}
