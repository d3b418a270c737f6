"""CPU time and memory of the system's processes, PostgreSQL's backends included."""

from contextlib import suppress
from pathlib import Path

import psutil


def cpu_seconds(pid: int) -> float:
    """User and system time of a process, of its children that have ended, and of its descendants that live.

    A PostgreSQL backend that ends is counted by its postmaster from then on, so nothing is lost or counted twice.
    Returns 0.0 for a process that does not exist.
    """
    total = 0.0
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        for each in (process, *process.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                times = each.cpu_times()
                total += times.user + times.system + times.children_user + times.children_system
    return total


def memory_bytes(pid: int) -> int:
    """The resident size of the process now; 0 when it does not exist."""
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.NoSuchProcess:
        return 0


def peak_memory_bytes(pid: int) -> int:
    """The largest resident size the process has had (VmHWM, which psutil does not know); 0 when it does not exist."""
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0
