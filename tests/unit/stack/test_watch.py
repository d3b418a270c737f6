"""What a program's answers make of its state, with the time as an argument."""

import signal

from stack.program import Health
from stack.watch import Policy, State, Watch

POLICY = Policy(start_limit_s=60.0, failing_limit_s=30.0, settled_s=10.0)


class Scripted:
    """A program that answers what it is told to."""

    name = "scripted"
    grace_s = 1.0
    stop_signal = signal.SIGTERM

    def __init__(self, probe_interval_s: float | None = 2.0) -> None:
        self.probe_interval_s = probe_interval_s
        self.health = Health.FAILING
        self.probes = 0

    def prepare(self) -> None: ...

    def command(self) -> list[str]:
        return []

    def environment(self) -> dict[str, str]:
        return {}

    def probe(self) -> Health:
        self.probes += 1
        return self.health

    def main_pid(self, spawned: int) -> int | None:
        return spawned


def watched(program: Scripted) -> Watch:
    return Watch(program, POLICY, started=100.0)


def test_a_program_is_starting_until_it_is_ready_once() -> None:
    program = Scripted()
    watch = watched(program)
    assert watch.look(100.0) is State.STARTING
    program.health = Health.ALIVE
    assert watch.look(101.0) is State.STARTING
    program.health = Health.READY
    assert watch.look(102.0) is State.READY


def test_one_that_has_been_ready_waits_or_fails_visibly() -> None:
    program = Scripted()
    program.health = Health.READY
    watch = watched(program)
    watch.look(100.0)
    program.health = Health.ALIVE
    assert watch.look(102.0) is State.WAITING
    program.health = Health.FAILING
    assert watch.look(104.0) is State.FAILING
    program.health = Health.READY
    assert watch.look(106.0) is State.READY


def test_it_hangs_when_it_has_not_answered_for_longer_than_the_limit() -> None:
    program = Scripted()
    program.health = Health.READY
    watch = watched(program)
    watch.look(100.0)
    program.health = Health.FAILING
    watch.look(130.0)
    assert not watch.hung
    watch.look(132.5)
    assert watch.hung


def test_one_that_waits_for_something_else_never_hangs() -> None:
    program = Scripted()
    program.health = Health.ALIVE
    watch = watched(program)
    for second in range(100, 1_000, 10):
        watch.look(float(second))
    assert not watch.hung


def test_it_hangs_when_it_never_answers_after_its_start() -> None:
    watch = watched(Scripted())
    watch.look(160.0)
    assert not watch.hung
    watch.look(160.1)
    assert watch.hung


def test_probes_keep_their_distance_once_ready() -> None:
    program = Scripted(probe_interval_s=2.0)
    program.health = Health.READY
    watch = watched(program)
    for tenth in range(100):
        watch.look(100.0 + tenth / 10)
    assert program.probes == 5


def test_a_server_is_not_probed_any_more_once_ready() -> None:
    program = Scripted(probe_interval_s=None)
    program.health = Health.READY
    watch = watched(program)
    watch.look(100.0)
    program.health = Health.FAILING
    assert watch.look(1_000.0) is State.READY
    assert program.probes == 1


def test_it_is_settled_when_it_has_been_ready_for_long_enough() -> None:
    program = Scripted()
    program.health = Health.READY
    watch = watched(program)
    watch.look(100.0)
    watch.look(109.9)
    assert not watch.settled
    watch.look(110.0)
    assert watch.settled


def test_the_delay_before_a_restart_doubles_up_to_its_limit() -> None:
    policy = Policy(first_delay_s=0.2, longest_delay_s=5.0)
    assert [policy.delay_s(failures) for failures in (1, 2, 3, 6, 1_000)] == [0.2, 0.4, 0.8, 5.0, 5.0]


def test_a_start_is_hopeless_after_both_some_exits_and_some_time() -> None:
    policy = Policy(give_up_after=3, give_up_s=8.0)
    assert policy.is_hopeless(3, 8.0)
    assert not policy.is_hopeless(20, 7.9)
    assert not policy.is_hopeless(2, 60.0)
