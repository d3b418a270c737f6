"""Reads images from the evidence store, which the gateway writes."""

import hashlib
from pathlib import Path
from typing import Protocol

from schemas.errors import Temporary
from schemas.evidence import is_intact, is_sha256, place_of


class Images(Protocol):
    """Gives the bytes of an image by their SHA-256, None when they are not there."""

    def get(self, sha256: str) -> bytes | None: ...


class DirectoryImages:
    """Images in a directory. Bytes that are not those of their name are none: the disk has changed them."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def get(self, sha256: str) -> bytes | None:
        """None for a file that is absent or changed. Raises Temporary when the disk fails."""
        if not is_sha256(sha256):
            return None
        try:
            data = (self._directory / place_of(sha256)).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise Temporary(f"the evidence store cannot be read: {error}") from error
        return data if is_intact(sha256, data) else None


class MemoryImages:
    """The same in memory, for tests."""

    def __init__(self) -> None:
        self.stored: dict[str, bytes] = {}

    def put(self, data: bytes) -> str:
        sha256 = hashlib.sha256(data).hexdigest()
        self.stored[sha256] = data
        return sha256

    def get(self, sha256: str) -> bytes | None:
        return self.stored.get(sha256)
