"""Processes by identity: a pid alone may be reused, a pid with its start time is one process for ever."""

import contextlib
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Identity:
    """One process: `started` is its start in clock ticks since boot (proc_pid_stat(5), field 22)."""

    pid: int
    started: int


def identify(pid: int) -> Identity | None:
    """The identity of a living process; None when there is none, or only its unreaped remains."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    state, started = fields[0], int(fields[19])
    return None if state in "ZX" else Identity(pid, started)


def is_alive(process: Identity) -> bool:
    return identify(process.pid) == process


def send(process: Identity, number: int) -> bool:
    """Sends a signal to exactly this process; False when it is gone."""
    if not is_alive(process):
        return False
    try:
        os.kill(process.pid, number)
    except ProcessLookupError:
        return False
    return True


def wait_gone(process: Identity, limit_s: float) -> bool:
    """True as soon as the process is gone, False when it still lives after `limit_s`."""
    deadline = time.monotonic() + limit_s
    while is_alive(process):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def end(process: Identity, number: int, grace_s: float) -> None:
    """Asks with `number`, waits `grace_s`, then kills. A stopped process is continued so that it can obey."""
    if send(process, number):
        send(process, signal.SIGCONT)
        if not wait_gone(process, grace_s):
            send(process, signal.SIGKILL)
            wait_gone(process, 10.0)


def kill_group(leader: int) -> None:
    """Kills what a process that led its own group has left behind; call it right after the leader's end."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)
