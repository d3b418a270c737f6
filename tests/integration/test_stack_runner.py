"""The runner with small real processes: restarts, backoff, hanging, pausing, complaints."""

import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from schemas.errors import Permanent
from stack.process import identify, is_alive
from stack.program import Health, plain_environment
from stack.runner import Runner
from stack.supervisor import Supervisor
from stack.watch import Policy, State
from tests.waiting import until

LIMIT_S = 20.0
QUICK = Policy(failing_limit_s=0.2, first_delay_s=0.01, longest_delay_s=0.05, give_up_s=0.1)
SLEEPER = "import time; time.sleep(600)"
STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    "print('up', flush=True); time.sleep(600)"
)
PARENT = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {SLEEPER!r}])"


class Script:
    """A Python one-liner as a program; it is as healthy as the test says."""

    probe_interval_s = 0.05
    stop_signal = signal.SIGTERM

    def __init__(self, code: str, name: str = "script", grace_s: float = 5.0) -> None:
        self.name = name
        self.grace_s = grace_s
        self.health = Health.READY
        self.prepared = 0
        self._code = code

    def prepare(self) -> None:
        self.prepared += 1

    def command(self) -> list[str]:
        return [sys.executable, "-c", self._code]

    def environment(self) -> dict[str, str]:
        return plain_environment()

    def probe(self) -> Health:
        return self.health

    def main_pid(self, spawned: int) -> int | None:
        return spawned


Run = Callable[[Script], Runner]


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    started: list[Runner] = []

    def start(program: Script) -> Runner:
        runner = Runner(program, tmp_path / f"{program.name}.log", QUICK)
        started.append(runner)
        runner.start()
        return runner

    yield start
    for runner in started:
        runner.stop()


def test_a_killed_program_is_started_again_and_counted(run: Run) -> None:
    runner = run(Script(SLEEPER))
    runner.wait_ready(LIMIT_S)
    first = runner.kill()
    until(lambda: runner.status().restarts == 1 and runner.status().state is State.READY, LIMIT_S)
    assert runner.pid != first.pid
    assert not is_alive(first)


def test_waiting_after_a_kill_waits_for_the_next_life(run: Run) -> None:
    runner = run(Script(SLEEPER))
    for _ in range(5):
        runner.wait_ready(LIMIT_S)
        victim = runner.kill()
        runner.wait_ready(LIMIT_S)
        assert runner.pid != victim.pid
    assert runner.status().restarts == 5


def test_a_program_that_cannot_start_is_reported_with_the_end_of_its_log(run: Run) -> None:
    program = Script("print('no such file: map.csv'); raise SystemExit(3)")
    program.health = Health.FAILING
    with pytest.raises(Permanent, match=r"no such file: map\.csv"):
        run(program).wait_ready(LIMIT_S)


def test_a_failing_preparation_is_reported(run: Run) -> None:
    class Unprepared(Script):
        def prepare(self) -> None:
            raise Permanent("the data directory belongs to somebody else")

    with pytest.raises(Permanent, match="belongs to somebody else"):
        run(Unprepared(SLEEPER)).wait_ready(LIMIT_S)


def test_a_program_that_hangs_is_killed_and_started_again(run: Run) -> None:
    program = Script(SLEEPER)
    runner = run(program)
    runner.wait_ready(LIMIT_S)
    hung = identify(runner.pid or 0)
    assert hung is not None
    program.health = Health.FAILING
    until(lambda: not is_alive(hung), LIMIT_S)
    program.health = Health.READY
    until(lambda: runner.status().restarts >= 1 and runner.status().state is State.READY, LIMIT_S)


def test_a_frozen_program_that_is_stopped_goes(run: Run) -> None:
    runner = run(Script(SLEEPER))
    runner.wait_ready(LIMIT_S)
    frozen = runner.kill(signal.SIGSTOP)
    runner.stop()
    assert not is_alive(frozen)


def test_a_paused_program_is_down_until_resumed_and_that_is_no_restart(run: Run) -> None:
    program = Script(SLEEPER)
    runner = run(program)
    runner.wait_ready(LIMIT_S)
    before = identify(runner.pid or 0)
    assert before is not None
    runner.pause()
    assert not is_alive(before)
    assert runner.status().state is State.PAUSED
    assert runner.pid is None
    runner.resume()
    until(lambda: runner.status().state is State.READY, LIMIT_S)
    assert runner.status().restarts == 0
    assert program.prepared == 2


def test_one_that_ignores_the_request_is_killed_after_its_grace(run: Run) -> None:
    runner = run(Script(STUBBORN, grace_s=0.2))
    runner.wait_ready(LIMIT_S)
    until(lambda: "up" in runner.log.last_lines(), LIMIT_S)
    stubborn = identify(runner.pid or 0)
    assert stubborn is not None
    runner.stop()
    assert not is_alive(stubborn)
    assert runner.status().state is State.STOPPED


def test_what_a_program_has_started_goes_with_it(run: Run) -> None:
    runner = run(Script(PARENT))
    runner.wait_ready(LIMIT_S)
    parent = runner.pid or 0
    until(lambda: children_of(parent), LIMIT_S)
    children = [found for pid in children_of(parent) if (found := identify(pid))]
    runner.stop()
    until(lambda: not any(map(is_alive, children)), LIMIT_S)


def children_of(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_groups_start_in_order_and_stop_in_reverse(tmp_path: Path) -> None:
    seen: list[tuple[str, State]] = []

    def note() -> None:
        seen.extend((status.name, status.state) for status in supervisor.statuses())

    supervisor = Supervisor(tmp_path, QUICK, changed=note)
    supervisor.launch([Script(SLEEPER, "server")])
    supervisor.launch([Script(SLEEPER, "one"), Script(SLEEPER, "two")])
    names = ("server", "one", "two")
    until(lambda: all((name, State.READY) in seen for name in names), LIMIT_S)
    first = {name: seen.index((name, State.READY)) for name in names}
    assert first["server"] < min(seen.index(("one", State.STARTING)), seen.index(("two", State.STARTING)))
    seen.clear()
    supervisor.stop()
    stopped = {name: seen.index((name, State.STOPPED)) for name in names}
    assert max(stopped["one"], stopped["two"]) < stopped["server"]
    assert supervisor.statuses() == []
