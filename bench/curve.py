"""What a reading costs by how many come: `python -m bench.curve [--json]`, about a quarter of an hour.

One stack in a temporary directory. First its servers alone (the floor), then all of it with 10,000 devices enrolled,
1,000 gateways connected and nothing sent (idle), then the same gateways at each rate, the last one as fast as it goes.
CPU is summed over all processes of the stack, the load generator left out, as in `bench.pipeline`.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench import pipeline
from schemas.settings import Settings
from stack import services
from stack.stack import Stack

CONNECTIONS = 1_000
DEVICES = 10_000
READINGS = {200: 18_000, 1_000: 90_000, 5_000: 300_000, 20_000: 900_000, 0: 2_000_000}
"""How many readings are sent at each rate (per second; 0: as fast as it goes)."""
SETTLE_S = 10.0
QUIET_S = 40.0
"""How long nothing is sent. Not longer: at 200/s a device's turn comes after another 50 s, and after two intervals of a
minute it would be silent, which is other work."""
FIGURES = (
    "readings_per_s",
    "cpu_us_sum",
    "cores",
    "row_ms_p50",
    "row_ms_p95",
    "puback_ms_p95",
    "missing",
    "doubled",
)
GOAL_US = {200: 800, 1_000: 130, 5_000: 60, 20_000: 30}
"""Microseconds of CPU per reading."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.curve", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object a line, the idle figures last")
    parser.add_argument("--rates", type=int, nargs="*", choices=READINGS, default=list(READINGS))
    parser.add_argument("--detail", action="store_true", help="each process's share too")
    chosen = parser.parse_args()
    show = _show_json if chosen.json else _show_text
    with tempfile.TemporaryDirectory(prefix="coldwatch-bench-") as directory:
        home = Path(directory)
        home.chmod(0o755)
        results = measure(home, chosen.rates, lambda found: show(found, chosen.detail))
    return 0 if all(found.get("missing", 0) == found.get("doubled", 0) == 0 for found in results) else 1


def measure(home: Path, rates: list[int], tell: Callable[[dict[str, Any]], None]) -> list[dict[str, Any]]:
    """Every rate, then the idle figures; each is told as soon as it is known."""
    floor = _floor(home)
    stack = _stack(home, services.NAMES)
    stack.start()
    try:
        plan = home / "fleet.json"
        pipeline.enrol(stack.settings, CONNECTIONS, DEVICES).save(plan)
        pipeline.warm_up(stack.settings, plan)
        idle = _idle(stack, plan)
        results, sent = [], pipeline.WARM_UP_READINGS
        for rate in rates:
            found = pipeline.run(stack, plan, READINGS[rate], rate, sent)
            sent += READINGS[rate]
            results.append({"rate": rate} | found)
            tell(results[-1])
    finally:
        stack.stop()
    results.append(
        {
            "idle_cores": round(sum(idle.values()), 4),
            "floor_cores": round(sum(floor.values()), 4),
            "idle_by_process": {name: round(cores, 4) for name, cores in idle.items()},
        }
    )
    tell(results[-1])
    return results


def _stack(home: Path, names: tuple[str, ...]) -> Stack:
    return Stack(Settings(home=home), names, tell=lambda line: print(line, file=sys.stderr, flush=True))


def _floor(home: Path) -> dict[str, float]:
    """Cores that Kafka and PostgreSQL take alone, topics and tables made."""
    stack = _stack(home, ())
    stack.start()
    try:
        return _quiet(stack)
    finally:
        stack.stop()


def _idle(stack: Stack, plan: Path) -> dict[str, float]:
    """Cores of each process while every gateway is connected and nothing is sent."""
    gateway = stack.settings.gateway
    command = [
        *(sys.executable, "-m", "bench.load", str(plan), "--readings", "0", "--json"),
        *("--host", gateway.host, "--port", str(gateway.port), "--hold", str(SETTLE_S + QUIET_S + 30)),
    ]
    holding = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        return _quiet(stack)
    finally:
        holding.terminate()
        holding.wait()


def _quiet(stack: Stack) -> dict[str, float]:
    """Cores of each process over QUIET_S, after SETTLE_S."""
    time.sleep(SETTLE_S)
    before, began_s = pipeline.cpu_by_process(stack), time.monotonic()
    time.sleep(QUIET_S)
    after, took_s = pipeline.cpu_by_process(stack), time.monotonic() - began_s
    return {name: (after[name] - before[name]) / took_s for name in after}


def _show_json(found: dict[str, Any], detail: bool) -> None:
    kept = ("rate", *FIGURES, "idle_cores", "floor_cores")
    print(json.dumps({k: v for k, v in found.items() if detail or k in kept}), flush=True)


def _show_text(found: dict[str, Any], detail: bool) -> None:
    if "rate" not in found:
        print(f"idle {found['idle_cores']} cores, of which Kafka and PostgreSQL alone {found['floor_cores']}")
    else:
        goal = GOAL_US.get(found["rate"])
        print(
            f"{found['rate'] or 'full':>6}  " + "  ".join(f"{name} {found[name]}" for name in FIGURES), end=""
        )
        print(f"  (goal {goal} us)" if goal else "")
    if detail:
        print("        ", found.get("cpu_us_per_reading") or found.get("idle_by_process"), flush=True)


if __name__ == "__main__":
    sys.exit(main())
