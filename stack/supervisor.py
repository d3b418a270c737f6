"""Starts programs in groups, each group at once and after the one before it is ready; stops them in reverse."""

import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from stack.program import Program
from stack.runner import Runner, Status
from stack.watch import Policy


class Supervisor:
    """Owns the runners of one home directory; logs go to `logs/NAME.log`."""

    def __init__(
        self, logs: Path, policy: Policy = Policy(), changed: Callable[[], None] = lambda: None
    ) -> None:
        self._logs = logs
        self._policy = policy
        self._changed = changed
        self._groups: list[list[Runner]] = []

    @property
    def runners(self) -> dict[str, Runner]:
        """By name, in the order of their start."""
        return {runner.program.name: runner for group in self._groups for runner in group}

    def statuses(self) -> list[Status]:
        return [runner.status() for runner in self.runners.values()]

    def launch(self, programs: Sequence[Program], limit_s: float = 90.0) -> None:
        """Starts the programs together and returns when all are ready.

        Raises Permanent with the reason when one does not become ready; what runs goes on until `stop`.
        """
        group = [Runner(p, self._logs / f"{p.name}.log", self._policy, self._changed) for p in programs]
        self._groups.append(group)
        for runner in group:
            runner.start()
        for runner in group:
            runner.wait_ready(limit_s)

    def stop(self) -> None:
        """Stops everything, the last group first; returns when no process is left."""
        while self._groups:
            stopping = [threading.Thread(target=runner.stop) for runner in self._groups[-1]]
            for thread in stopping:
                thread.start()
            for thread in stopping:
                thread.join()
            self._groups.pop()
