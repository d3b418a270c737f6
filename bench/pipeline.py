"""The whole pipeline under load: `python -m bench.pipeline --readings N --connections C [--rate R] [--json]`.

Starts a stack of its own in a temporary directory, sends through real MQTT connections at QoS 1, waits until every
reading is stored and judged, and reports. CPU is summed over all processes of the system, PostgreSQL's backends
included, without the load generator and the start-up; rules, ledger, clock lines and checkpoints are on.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psycopg2

from bench import fleet, histogram
from bench.cpu import cpu_seconds
from coldwatch.operate import ledger
from coldwatch.wiring.connections import connect_database
from ingest.registry import PostgresRegistry
from schemas.settings import Settings
from stack.stack import Stack

DEVICES = 10_000
ROW_AGE = "coldwatch_row_age_seconds"
DRAIN_LIMIT_S = 120.0
WARM_UP_READINGS = 20_000
"""Sent before the clock starts: first chunks, first plans, first look-ups are no steady state."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.pipeline", description=__doc__)
    parser.add_argument("--readings", type=int, default=1_000_000)
    parser.add_argument("--connections", type=int, default=50)
    parser.add_argument("--rate", type=float, default=0.0, help="readings per second; 0: as fast as it goes")
    parser.add_argument("--devices", type=int, default=DEVICES)
    parser.add_argument("--json", action="store_true", help="the last line is one JSON object")
    parser.add_argument("--home", type=Path, help="keep data and logs here")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="coldwatch-bench-") as directory:
        home = chosen.home or Path(directory)
        home.chmod(0o755) if not chosen.home else None
        result = measure(home, chosen.readings, chosen.connections, chosen.rate, chosen.devices)
    if chosen.json:
        print(json.dumps(result))
    else:
        for name, value in result.items():
            print(f"{name:22} {value}")
    return 0 if result["missing"] == result["doubled"] == 0 else 1


def measure(home: Path, readings: int, connections: int, rate: float, devices: int) -> dict[str, Any]:
    """One run on a stack of its own; see the module for what the figures mean."""
    stack = Stack(Settings(home=home), tell=lambda line: print(line, file=sys.stderr, flush=True))
    stack.start()
    try:
        plan = home / "fleet.json"
        enrol(stack.settings, connections, devices).save(plan)
        warm_up(stack.settings, plan)
        return run(stack, plan, readings, rate, WARM_UP_READINGS)
    finally:
        stack.stop()


def enrol(settings: Settings, connections: int, devices: int) -> fleet.Fleet:
    """Gateways and the probes behind them, in the stack's registry."""
    connection = connect_database(settings.database.pipeline_url, settings.database, "bench")
    try:
        return fleet.enrol(PostgresRegistry(connection), connections, devices)
    finally:
        connection.close()


def warm_up(settings: Settings, plan: Path) -> None:
    """Sends WARM_UP_READINGS; returns when they are stored."""
    _load(settings, plan, WARM_UP_READINGS, 0.0)
    _drained(settings, WARM_UP_READINGS)


def cpu_by_process(stack: Stack) -> dict[str, float]:
    """CPU seconds so far of each supervised process with its descendants, by its name."""
    return {name: cpu_seconds(runner.pid or 0) for name, runner in stack.services.items()}


def run(stack: Stack, plan: Path, readings: int, rate: float, sent_before: int) -> dict[str, Any]:
    """One load on a running stack that has stored `sent_before` readings."""
    settings = stack.settings
    warm = _drained(settings, sent_before)
    ages = histogram.buckets(histogram.scrape(settings.judge.health_port), ROW_AGE)
    before = cpu_by_process(stack)
    started = time.monotonic()
    sent = _load(settings, plan, readings, rate)
    _wait_stored(settings, warm.stored + readings)
    elapsed = time.monotonic() - started - _start_up(sent)
    after = cpu_by_process(stack)
    ages = histogram.difference(
        histogram.buckets(histogram.scrape(settings.judge.health_port), ROW_AGE), ages
    )
    books = _drained(settings, warm.stored + readings)
    used = {name: (after[name] - before[name]) * 1e6 / readings for name in after}
    stored, distinct = _rows(settings)
    return {
        "readings_per_s": round(readings / elapsed, 1),
        "cpu_us_per_reading": {name: round(value, 2) for name, value in used.items()},
        "cpu_us_sum": round(sum(used.values()), 2),
        "cores": round(sum(used.values()) * readings / 1e6 / elapsed, 3),
        "puback_ms_p50": round(sent["puback_ms_p50"], 1),
        "puback_ms_p95": round(sent["puback_ms_p95"], 1),
        "row_ms_p50": round(histogram.quantile(ages, 0.50) * 1000, 1),
        "row_ms_p95": round(histogram.quantile(ages, 0.95) * 1000, 1),
        "accepted": books.accepted - warm.accepted,
        "stored": books.stored - warm.stored,
        "missing": max(0, sent_before + readings - distinct),
        "doubled": stored - distinct,
        "ledger_balanced": books.balanced,
        "connections_opened_s": round(sent["connect_s"], 2),
    }


def _load(settings: Settings, plan: Path, readings: int, rate: float) -> dict[str, Any]:
    command = [
        *(sys.executable, "-m", "bench.load", str(plan), "--json"),
        *("--host", settings.gateway.host, "--port", str(settings.gateway.port)),
        *("--readings", str(readings), "--rate", str(rate)),
    ]
    started = time.monotonic()
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    report: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    report["process_s"] = time.monotonic() - started
    return report


def _start_up(sent: dict[str, Any]) -> float:
    """What the load generator's own start and its connecting took of its time."""
    return float(sent["process_s"] - sent["seconds"])


def _wait_stored(settings: Settings, stored: int) -> None:
    """Returns once that many values are stored. Raises TimeoutError when they are not in time."""
    limit = time.monotonic() + DRAIN_LIMIT_S
    connection = connect_database(settings.database.reader_url, settings.database, "bench")
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            while (found := _stored(cursor)) < stored:
                if time.monotonic() > limit:
                    raise TimeoutError(f"{stored} values expected, {found} stored")
                time.sleep(0.02)
    finally:
        connection.close()


def _drained(settings: Settings, stored: int) -> ledger.Ledger:
    """The books once that many values are stored and nothing is in flight. Raises TimeoutError when it stays so."""
    _wait_stored(settings, stored)
    limit = time.monotonic() + DRAIN_LIMIT_S
    while time.monotonic() < limit:
        books = ledger.read(settings)
        if books.in_flight == 0 and books.stored >= stored:
            return books
    raise TimeoutError(f"{stored} values expected, {books}")


def _stored(cursor: "psycopg2.extensions.cursor") -> int:
    """A cheap look at the books, so that waiting costs the measured system nothing to speak of."""
    cursor.execute(
        "select (select coalesce(sum(stored), 0) from ledger)"
        " + (select coalesce(sum(pending_values), 0) from v_booked)"
    )
    return int((cursor.fetchone() or (0,))[0])


def _rows(settings: Settings) -> tuple[int, int]:
    """Rows, and distinct identities among them."""
    connection = connect_database(settings.database.reader_url, settings.database, "bench")
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute("select count(*) from reading")
            (rows,) = cursor.fetchone() or (0,)
            cursor.execute("select count(*) from (select 1 from reading group by point_id, at, seq) d")
            (distinct,) = cursor.fetchone() or (0,)
            return rows, distinct
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(main())
