"""A recorded trace of 22,695 rows through the whole pipeline, twice: every row once, the second time as a duplicate."""

import csv
import json
import math
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg2

from tests.faults.conftest import Target
from tests.waiting import until

ROWS = 22_695
DEVICE = "recorder-1"


def write_trace(path: Path) -> None:
    """A machine's temperature in Fahrenheit, five minutes apart, with one gap in the clock and one dead value."""
    begin = datetime(2013, 12, 2, 21, 15)
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["timestamp", "value"])
        for number in range(ROWS):
            value = 80 + 12 * math.sin(number / 400) + 3 * math.sin(number / 7)
            rows.writerow(
                [begin + timedelta(minutes=5 * number), "n/a" if number == 11_111 else f"{value:.8f}"]
            )


def replay(target: Target, token: str, trace: Path, end: str) -> dict[str, Any]:
    command = [
        *(sys.executable, "-m", "coldwatch", "replay", str(trace), "--device", DEVICE, "--json"),
        *("--value-column", "value", "--time-column", "timestamp", "--unit", "F"),
        *("--interval", "60s", "--end", end),
    ]
    environment = os.environ | {
        "COLDWATCH_HOME": str(target.stack.settings.home),
        "COLDWATCH_DEVICE_TOKEN": token,
    }
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, timeout=300)
    report: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return report


def stored(target: Target) -> int:
    connection = psycopg2.connect(target.reader_url)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute("select count(*) from v_reading where device = %s", (DEVICE,))
            return int((cursor.fetchone() or (0,))[0])
    finally:
        connection.close()


def test_every_row_is_stored_once_and_a_second_run_adds_none(target: Target, tmp_path: Path) -> None:
    token = target.enrol(DEVICE)
    trace = tmp_path / "trace.csv"
    write_trace(trace)
    end = datetime.now(UTC).isoformat()
    first = replay(target, token, trace, end)
    assert (first["accepted"], len(first["listed"])) == (ROWS - 1, 1), first
    until(lambda: target.books().in_flight == 0, 60, 0.5)
    assert stored(target) == ROWS - 1
    before = target.books()
    assert replay(target, token, trace, end)["accepted"] == ROWS - 1
    until(lambda: target.books().in_flight == 0, 60, 0.5)
    after = target.books()
    assert stored(target) == ROWS - 1
    assert after.duplicate - before.duplicate == ROWS - 1
    assert after.balanced, after
