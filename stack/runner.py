"""Keeps one program running: starts it, waits until it is ready, watches it, starts it again when it dies.

A runner is one thread that does these things in this order, so that the life of a program reads from top to bottom.
"""

import contextlib
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from schemas.errors import Permanent
from stack.process import Identity, end, identify, kill_group, send
from stack.program import Program
from stack.program_log import ProgramLog
from stack.watch import Policy, State, Watch

DEADLY = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGABRT)


@dataclass(frozen=True)
class Status:
    """A program as seen from outside. `pid` is the process that does the work."""

    name: str
    pid: int | None
    state: State
    restarts: int


class Runner:
    """Runs one program. `changed` is called, from the runner's thread, after every change of its status."""

    def __init__(
        self,
        program: Program,
        log: Path,
        policy: Policy = Policy(),
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self.program = program
        self.log = ProgramLog(log)
        self._policy = policy
        self._changed = changed
        self._condition = threading.Condition()
        self._stopping = False
        self._paused = False
        self._state = State.STOPPED
        self._child: subprocess.Popen[bytes] | None = None
        self._lives = 0
        self._doomed = 0
        self._restarts = 0
        self._failures = 0
        self._was_ready = False
        self._trouble = ""
        self._thread = threading.Thread(target=self._run, name=f"run-{program.name}", daemon=True)

    # ------------------------------------------------------------------ from outside

    def start(self) -> None:
        self._state = State.STARTING
        self._thread.start()

    def status(self) -> Status:
        return Status(self.program.name, self.pid, self._state, self._restarts)

    @property
    def pid(self) -> int | None:
        """The process that does the work; None while there is none."""
        child = self._child
        return self.program.main_pid(child.pid) if child and child.poll() is None else None

    def identities(self) -> list[Identity]:
        """The working process and the wrapper before it, for the record of what runs."""
        child = self._child
        pids = [] if child is None else [self.program.main_pid(child.pid), child.pid]
        return [found for pid in dict.fromkeys(pids) if pid and (found := identify(pid))]

    def wait_ready(self, limit_s: float) -> None:
        """Returns when ready. Raises Permanent, with the end of its log, when it is not to be expected any more."""
        began = time.monotonic()

        def settled() -> bool:
            waited_s = time.monotonic() - began
            hopeless = not self._was_ready and self._policy.is_hopeless(self._failures, waited_s)
            return self._is_ready() or hopeless or self._stopping

        with self._condition:
            self._condition.wait_for(settled, limit_s)
            if not self._is_ready():
                raise Permanent(self._complaint(limit_s))

    def _is_ready(self) -> bool:
        """Ready in a life that `kill` has not ended: the state is a little behind the death of the process."""
        return self._state is State.READY and self._lives > self._doomed

    def kill(self, number: int = signal.SIGKILL) -> Identity:
        """Sends a signal to the working process and returns who got it.

        After a deadly one `wait_ready` waits for the next life. Raises LookupError when there is no process.
        """
        life = self._lives
        running = identify(pid) if (pid := self.pid) else None
        if running is None or not send(running, number):
            raise LookupError(f"{self.program.name} is not running")
        if number in DEADLY:
            self._doomed = life
        return running

    def pause(self) -> None:
        """Stops the program in its own way and holds it down until `resume`; returns when it is down."""
        with self._condition:
            self._paused = True
            self._condition.notify_all()
            self._condition.wait_for(lambda: self._state in (State.PAUSED, State.STOPPED))

    def resume(self) -> None:
        with self._condition:
            self._paused = False
            self._condition.notify_all()

    def stop(self) -> None:
        """Stops the program for good; returns when no process of it is left."""
        with self._condition:
            self._stopping = True
            self._condition.notify_all()
        if self._thread.ident is not None:
            self._thread.join()

    # ------------------------------------------------------------------ the runner's thread

    def _run(self) -> None:
        while self._may_run():
            try:
                self._live()
            except Exception as error:  # counted, shown in status and in the complaint, and tried again
                self._trouble = f"{type(error).__name__}: {error}"
                self.log.note(self._trouble)
            if not (self._stopping or self._paused):
                self._failures += 1
                self._restarts += 1
                self._enter(State.RESTARTING)
                self._rest(self._policy.delay_s(self._failures))
        self._enter(State.STOPPED)

    def _live(self) -> None:
        """One life of the program, from its preparation to its end."""
        self._enter(State.STARTING)
        self.program.prepare()
        self._child = child = self._spawn()
        self._lives += 1
        self._changed()
        try:
            self._attend(child)
        finally:
            self._clear(child)
            self._child = None

    def _may_run(self) -> bool:
        """Waits while paused; False when it is time to stop."""
        if self._paused and not self._stopping:
            self._enter(State.PAUSED)
            with self._condition:
                self._condition.wait_for(lambda: self._stopping or not self._paused)
        return not self._stopping

    def _spawn(self) -> "subprocess.Popen[bytes]":
        with self.log.open() as log:
            child = subprocess.Popen(
                self.program.command(),
                env=self.program.environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.log.note(f"{self.program.name} started as {child.pid}")
        return child

    def _attend(self, child: "subprocess.Popen[bytes]") -> None:
        """Until the program has exited, or has to be ended: it hangs, is paused, or all stops."""
        watch = Watch(self.program, self._policy, time.monotonic())
        while child.poll() is None and not (self._stopping or self._paused):
            state = watch.look(time.monotonic())
            if watch.hung:
                self._trouble = "it did not answer for too long"
                self.log.note(f"{self._trouble}: killed")
                with contextlib.suppress(LookupError):
                    self.kill(signal.SIGKILL)
                return
            if state is State.READY:
                self._was_ready = True
            if watch.settled:
                self._failures = 0
            self._enter(state)
            self._rest(watch.pause_s)

    def _clear(self, child: "subprocess.Popen[bytes]") -> None:
        """Ends what is left of the program: itself when it still runs, its wrapper, and what it has started."""
        pid = self.program.main_pid(child.pid)
        running = identify(pid) if pid else None
        if running:
            end(running, self.program.stop_signal, self.program.grace_s)
        try:
            child.wait(1.0)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        kill_group(child.pid)
        self.log.note(f"{self.program.name} ended with {child.returncode}")

    def _rest(self, seconds: float) -> None:
        with self._condition:
            self._condition.wait_for(lambda: self._stopping or self._paused, seconds)

    def _enter(self, state: State) -> None:
        with self._condition:
            changed = state is not self._state
            self._state = state
            self._condition.notify_all()
        if changed:
            self._changed()

    def _complaint(self, limit_s: float) -> str:
        name, path = self.program.name, self.log.path
        return (
            f"{name} 未能启动，请看日志 {path} / {name} did not become ready (within {limit_s:.0f} s); "
            f"see {path}. {self._trouble}\n{self.log.last_lines()}"
        )
