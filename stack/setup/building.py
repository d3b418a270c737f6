"""Puts a directory into the cache whole or not at all, also when two setups run at once."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from stack.setup.steps import SetupFailed, say

NEEDED_BYTES = 3 * 1024**3


def build_once(target: Path, build: Callable[[Path], None]) -> bool:
    """Calls `build` with an empty directory and moves that to `target`; False when the target was there."""
    if target.is_dir():
        return False
    cache = target.parent
    cache.mkdir(parents=True, exist_ok=True)
    with locked(cache / f".{target.name}.lock"):
        if target.is_dir():
            return False
        _check_space(cache)
        _remove_remains(cache, target.name)
        building = Path(tempfile.mkdtemp(prefix=f".{target.name}.building-", dir=cache))
        building.chmod(0o755)
        build(building)
        os.replace(building, target)
    return True


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Holds the lock file; waits, and says so, while another process holds it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("  等待另一个安装过程 · waiting for another setup")
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _remove_remains(cache: Path, name: str) -> None:
    """Under the lock nobody else builds, so what is half-built was left by a setup that was ended."""
    for remains in cache.glob(f".{name}.building-*"):
        shutil.rmtree(remains, ignore_errors=True)


def _check_space(directory: Path) -> None:
    free = shutil.disk_usage(directory).free
    if free < NEEDED_BYTES:
        raise SetupFailed(
            f"{directory} 只剩 {free / 1e9:.1f} GB，需要 3 GB：请清理磁盘或用 COLDWATCH_CACHE 换个目录 / "
            f"{directory} has {free / 1e9:.1f} GB left and 3 GB are needed: free some or set COLDWATCH_CACHE"
        )
