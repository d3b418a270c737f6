"""Reads pictures from the evidence store: a directory of files named by their SHA-256, two levels deep."""

import hashlib
import re
from pathlib import Path


class EvidenceReader:
    """`directory`/ab/cd/abcd...: what ingest has written and fsynced before anybody could know the name."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def get(self, sha256: str) -> bytes | None:
        """The bytes, None when there are none, or when they are no longer what their name says."""
        if not re.fullmatch(r"[0-9a-f]{64}", sha256):
            return None
        try:
            content = (self._directory / sha256[:2] / sha256[2:4] / sha256).read_bytes()
        except FileNotFoundError:
            return None
        return content if hashlib.sha256(content).hexdigest() == sha256 else None
