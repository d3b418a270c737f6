"""One run of `coldwatch demo` as a user starts it, watched from outside through the console's API."""

import contextlib
import json
import os
import re
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.e2e.api import Api
from tests.e2e.waiting import until

SECONDS = 60
LIMIT_S = 240.0
READY = "all ready"
ADDRESS = re.compile(r"console\s+(http://\S+).*?user\s+(\S+).*?password\s+(\S+)", re.DOTALL)


@dataclass
class DemoRun:
    """What a finished run has said and done. `seen`: (rule, subject) on the page's list, by the seconds after ready."""

    home: Path
    code: int | None = None
    output: list[str] = field(default_factory=list)
    seen: dict[tuple[str, str], float] = field(default_factory=dict)
    incidents: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def told(self) -> str:
        """What it told on standard error."""
        return (self.home / "told.txt").read_text(errors="replace")

    @property
    def closing(self) -> dict[str, Any]:
        closing: dict[str, Any] = json.loads(self.output[-1])
        return closing

    @property
    def labels(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads((self.home / "demo" / "labels.json").read_text())["faults"]
        return found


def run_demo(home: Path) -> DemoRun:
    """Runs the demo for a minute in its own home directory and watches the page's API meanwhile."""
    run = DemoRun(home)
    with (home / "told.txt").open("wb") as told:
        child = subprocess.Popen(
            [sys.executable, "-m", "coldwatch", "demo"],
            env=environment(home) | {"DEMO_SECONDS": str(SECONDS)},
            stdout=subprocess.PIPE,
            stderr=told,
            text=True,
        )
    watcher = threading.Thread(target=_watch, args=(child, run))
    watcher.start()
    try:
        output, _ = child.communicate(timeout=LIMIT_S)
    except subprocess.TimeoutExpired:
        child.terminate()
        output, _ = child.communicate(timeout=90)
    watcher.join()
    run.code, run.output = child.returncode, output.splitlines()
    return run


def environment(home: Path) -> dict[str, str]:
    """This process's environment without settings of coldwatch, but for the cache of downloads."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("COLDWATCH_") or name == "COLDWATCH_CACHE"
    }
    return kept | {"COLDWATCH_HOME": str(home)}


def _watch(child: "subprocess.Popen[str]", run: DemoRun) -> None:
    """Notes every incident of the page's list until the program has ended."""
    until(lambda: READY in run.told or child.poll() is not None, 180.0, "the demo to be ready")
    address = ADDRESS.search(run.told)
    if address is None:
        return  # the test will show what was told instead
    begun = time.monotonic()
    with contextlib.suppress(httpx.TransportError), Api(*address.groups()) as api:
        until(lambda: _note(api, run, time.monotonic() - begun, child), LIMIT_S, "the demo to end")


def _note(api: Api, run: DemoRun, elapsed_s: float, child: "subprocess.Popen[str]") -> bool:
    for incident in api.incidents():
        run.incidents[incident["id"]] = incident
        run.seen.setdefault((incident["rule"], incident["subject"]), elapsed_s)
    return child.poll() is not None
