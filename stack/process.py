"""Processes by identity: a pid alone may be reused, a pid with its start time is one process for ever."""

import contextlib
import os
import signal
import time
from dataclasses import dataclass

import psutil

TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Identity:
    """One process: `started` is its start in clock ticks since boot, which no setting of the clock moves."""

    pid: int
    started: int


def identify(pid: int) -> Identity | None:
    """The identity of a living process; None when there is none, or only its unreaped remains."""
    try:
        process = psutil.Process(pid)
        state, started_s = process.status(), process.create_time() - psutil.boot_time()
    except psutil.NoSuchProcess:
        return None
    if state in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD):
        return None
    return Identity(pid, round(started_s * TICKS_PER_S))


def only_child(pid: int) -> int | None:
    """The process that a wrapper runs; None while there is none."""
    try:
        children = psutil.Process(pid).children()
    except psutil.NoSuchProcess:
        return None
    return children[0].pid if children else None


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
