"""CPU time of the system's processes, PostgreSQL's backends included, read from /proc."""

import os
from pathlib import Path

TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    """User and system time of a process, of its children that have ended, and of its descendants that live.

    A PostgreSQL backend that ends is counted by its postmaster from then on, so nothing is lost or counted twice.
    Returns 0.0 for a process that does not exist.
    """
    children = _children()
    total, queue = 0.0, [pid]
    while queue:
        current = queue.pop()
        total += _own_and_reaped(current)
        queue.extend(children.get(current, []))
    return total


def _own_and_reaped(pid: int) -> float:
    fields = _stat(pid)
    # Fields 14 to 17 of proc(5) are utime, stime, cutime, cstime; the command's name was cut off before.
    return sum(int(value) for value in fields[11:15]) / TICKS_PER_S if fields else 0.0


def _children() -> dict[int, list[int]]:
    tree: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (fields := _stat(int(entry.name))):
            tree.setdefault(int(fields[1]), []).append(int(entry.name))
    return tree


def _stat(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except (OSError, IndexError):
        return []


def peak_memory_bytes(pid: int) -> int:
    """The largest resident size the process has had (VmHWM); 0 when it does not exist."""
    return _memory(pid, "VmHWM:")


def memory_bytes(pid: int) -> int:
    """The resident size of the process now (VmRSS); 0 when it does not exist."""
    return _memory(pid, "VmRSS:")


def _memory(pid: int, key: str) -> int:
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith(key):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0
