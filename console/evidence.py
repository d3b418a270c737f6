"""Reads pictures from the evidence store: what ingest has written and fsynced before anybody could know the name."""

from pathlib import Path

from schemas.evidence import is_intact, is_sha256, place_of


class EvidenceReader:
    """Bytes by their SHA-256, from the files of a directory."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def get(self, sha256: str) -> bytes | None:
        """The bytes, None when there are none, or when they are no longer what their name says."""
        if not is_sha256(sha256):
            return None
        try:
            content = (self._directory / place_of(sha256)).read_bytes()
        except FileNotFoundError:
            return None
        return content if is_intact(sha256, content) else None
