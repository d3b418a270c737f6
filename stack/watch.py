"""Judges from a program's probes whether it starts, works, waits or hangs. The time is an argument."""

from dataclasses import dataclass
from enum import Enum

from stack.program import Health, Program


class State(Enum):
    STOPPED = "stopped"
    STARTING = "starting"
    READY = "ready"
    WAITING = "waiting"
    """Alive, and says that it waits for something else."""
    FAILING = "failing"
    """Running, and does not answer."""
    RESTARTING = "restarting"
    PAUSED = "paused"


@dataclass(frozen=True)
class Policy:
    """When a program counts as hung, and how soon a dead one is started again."""

    start_limit_s: float = 90.0
    failing_limit_s: float = 30.0
    first_delay_s: float = 0.2
    longest_delay_s: float = 5.0
    settled_s: float = 10.0
    give_up_after: int = 3
    give_up_s: float = 8.0
    """After so many exits and so long without once being ready, whoever waits is told; the runner goes on trying.
    PostgreSQL needs the seconds: killed hard, it refuses to start until its last process is gone."""

    def delay_s(self, failures: int) -> float:
        """Seconds before the next start after so many failures in a row (1 is the first)."""
        return min(self.longest_delay_s, self.first_delay_s * 2.0 ** min(failures - 1, 16))

    def is_hopeless(self, failures: int, waited_s: float) -> bool:
        return failures >= self.give_up_after and waited_s >= self.give_up_s


class Watch:
    """What the probes of one run of a program say, and when to ask again. The time is an argument."""

    def __init__(self, program: Program, policy: Policy, started: float) -> None:
        self._program = program
        self._policy = policy
        self._started = started
        self._ready_since: float | None = None
        self._answered = started
        self._next_probe = started
        self._state = State.STARTING
        self.hung = False
        self.settled = False

    @property
    def pause_s(self) -> float:
        """Seconds until it is worth looking again."""
        return 0.1 if self._ready_since is None else 0.2

    def look(self, now: float) -> State:
        """Probes when a probe is due; sets `hung` when the program must be ended, `settled` once it runs well."""
        if now >= self._next_probe:
            self._take(self._program.probe(), now)
        self.settled = self._ready_since is not None and now - self._ready_since >= self._policy.settled_s
        return self._state

    def _take(self, health: Health, now: float) -> None:
        if health is not Health.FAILING:
            self._answered = now
        if health is Health.READY and self._ready_since is None:
            self._ready_since = now
        self._state = self._state_after(health)
        self.hung = now - self._answered > self._limit_s
        self._next_probe = now + self._interval_s

    def _state_after(self, health: Health) -> State:
        if health is Health.READY:
            return State.READY
        if self._ready_since is None:
            return State.STARTING
        return State.WAITING if health is Health.ALIVE else State.FAILING

    @property
    def _limit_s(self) -> float:
        started_up = self._ready_since is not None
        return self._policy.failing_limit_s if started_up else self._policy.start_limit_s

    @property
    def _interval_s(self) -> float:
        if self._ready_since is None:
            return 0.0
        interval = self._program.probe_interval_s
        return float("inf") if interval is None else interval
