"""What runs in one home directory, written down at every change: for `status`, and for the next start or stop when
the supervisor itself was killed and could not clean up."""

import os
from pathlib import Path

import msgspec

from coldwatch.wiring.files import write_atomically
from stack.process import Identity, end, identify, is_alive, kill_group
from stack.runner import Runner
from stack.watch import State


class Running(msgspec.Struct, frozen=True):
    """One supervised program and its processes: the working one first, the one that was spawned last."""

    name: str
    pid: int | None
    state: State
    restarts: int
    processes: list[Identity]
    stop_signal: int
    grace_s: float

    def alive(self) -> list[Identity]:
        return [process for process in self.processes if is_alive(process)]


class Record(msgspec.Struct, frozen=True):
    """`ready` is set once everything has become ready after the start."""

    supervisor: Identity
    ready: bool
    services: list[Running]

    def supervisor_lives(self) -> bool:
        return is_alive(self.supervisor)


def describe(runner: Runner) -> Running:
    status, program = runner.status(), runner.program
    return Running(
        name=status.name,
        pid=status.pid,
        state=status.state,
        restarts=status.restarts,
        processes=runner.identities(),
        stop_signal=int(program.stop_signal),
        grace_s=program.grace_s,
    )


def write(path: Path, record: Record) -> None:
    write_atomically(path, msgspec.json.format(msgspec.json.encode(record)))


def read(path: Path) -> Record | None:
    """The record of this home directory; None when nothing was ever started in it."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Record)
    except FileNotFoundError:
        return None


def end_orphans(path: Path) -> list[str]:
    """Ends, last started first, what a killed supervisor has left running; returns the names."""
    record = read(path)
    if record is None or record.supervisor_lives():
        return []
    orphans = [service for service in reversed(record.services) if service.alive()]
    for service in orphans:
        spawned = service.alive()[-1]
        for process in service.alive():
            end(process, service.stop_signal, service.grace_s)
        kill_group(spawned.pid)
    return [service.name for service in orphans]


def ourselves() -> Identity:
    identity = identify(os.getpid())
    assert identity is not None
    return identity
