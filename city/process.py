"""The city as a process of its own: its timing must not suffer from whoever watches it, nor outlive him."""

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from schemas.errors import Permanent

START_LIMIT_S = 60.0
STOP_LIMIT_S = 20.0

Event = dict[str, Any]
"""One line of `coldwatch simulate --json`: `event` names it."""


class CityProcess:
    """`coldwatch simulate` on the stack of `home`. It stops when this process ends, however that happens."""

    def __init__(self, home: Path, seed: int, labels: Path, log: Path, repeat: bool = False) -> None:
        self._log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "coldwatch", "simulate", "--json", "--with-parent"]
        command += ["--seed", str(seed), "--labels", str(labels), *(["--repeat"] if repeat else [])]
        with log.open("ab") as errors:
            self._child = subprocess.Popen(
                command,
                env={**os.environ, "COLDWATCH_HOME": str(home)},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                start_new_session=True,
            )
        self._events: queue.Queue[Event | None] = queue.Queue()
        threading.Thread(target=self._read, name="city", daemon=True).start()

    @property
    def pid(self) -> int:
        return self._child.pid

    def wait_connected(self) -> list[Event]:
        """Returns what happened up to and with `connected`. Raises Permanent when it does not come to that."""
        seen = []
        for event in self.follow(START_LIMIT_S):
            seen.append(event)
            if event["event"] == "connected":
                return seen
        raise Permanent(
            f"模拟城市未能启动 · the simulated city did not start; see {self._log}\n{self._complaint()}"
        )

    def follow(self, seconds: float) -> Iterator[Event]:
        """What happens in the next so many seconds. Raises Permanent when the city has ended by itself."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            try:
                event = self._events.get(timeout=left)
            except queue.Empty:
                return
            if event is None:
                raise Permanent(
                    f"模拟城市意外停止 · the simulated city has ended; see {self._log}\n{self._complaint()}"
                )
            yield event

    def stop(self) -> list[Event]:
        """Ends it: every message it sent is acknowledged first. Returns its last events. Safe to repeat."""
        if self._child.poll() is None:
            self._child.send_signal(signal.SIGTERM)
        try:
            self._child.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        if self._child.stdin is not None:
            self._child.stdin.close()
        last = []
        while (event := self._events.get()) is not None:
            last.append(event)
        self._events.put(None)
        return last

    def _read(self) -> None:
        assert self._child.stdout is not None
        with self._child.stdout as lines:
            for line in lines:
                self._events.put(json.loads(line))
        self._events.put(None)

    def _complaint(self) -> str:
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-8:])
