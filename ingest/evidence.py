"""The evidence store: images and large refused payloads by the SHA-256 of their bytes. Written once, never changed.

Where they lie is `schemas.evidence`'s word.
"""

import os
import threading
from pathlib import Path
from typing import Protocol

from schemas.evidence import place_of, require_sha256


class Evidence(Protocol):
    """What keeps bytes by their hash. `put` returns when they would survive a crash; repeating it is harmless."""

    def put(self, sha256: str, data: bytes) -> None: ...

    def get(self, sha256: str) -> bytes | None: ...


class DirectoryEvidence:
    """Files in a directory. `put` raises OSError when the disk will not take it: try again, acknowledge nothing."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._making = threading.Lock()

    def path(self, sha256: str) -> Path:
        """Raises ValueError on what is no SHA-256 in lower-case hex."""
        return self._directory / place_of(sha256)

    def put(self, sha256: str, data: bytes) -> None:
        path = self.path(sha256)
        if path.exists():
            _sync(path.parent)  # whoever wrote it may not have come so far
            return
        self._make(path.parent)
        temporary = path.with_name(f".{sha256}.{os.getpid()}.{threading.get_ident()}")
        try:
            with temporary.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        _sync(path.parent)

    def get(self, sha256: str) -> bytes | None:
        try:
            return self.path(sha256).read_bytes()
        except FileNotFoundError:
            return None

    def _make(self, directory: Path) -> None:
        """Makes the directory and its parents durable, each in its own parent."""
        with self._making:
            missing = [folder for folder in (directory, *directory.parents) if not folder.exists()]
            for folder in reversed(missing):
                folder.mkdir(exist_ok=True)
                _sync(folder.parent)


class MemoryEvidence:
    """The same in memory, for tests and simulation."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def put(self, sha256: str, data: bytes) -> None:
        self._kept.setdefault(require_sha256(sha256), bytes(data))

    def get(self, sha256: str) -> bytes | None:
        return self._kept.get(require_sha256(sha256))


def _sync(directory: Path) -> None:
    """Makes a directory's entries durable."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
