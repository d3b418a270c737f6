"""The log file of one supervised program: what it prints, with the supervisor's own lines between."""

from collections import deque
from datetime import UTC, datetime
from io import BufferedWriter
from pathlib import Path

MAX_BYTES = 64 * 1024 * 1024


class ProgramLog:
    """`NAME.log`; at a start, one that has grown large becomes `NAME.log.1`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def open(self) -> BufferedWriter:
        """For the program's standard output and error. Makes the directory."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if self.path.exists() and self.path.stat().st_size > MAX_BYTES:
            self.path.replace(self.path.with_suffix(".log.1"))
        return self.path.open("ab")

    def note(self, text: str) -> None:
        """Adds a line of the supervisor's."""
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a") as log:
            log.write(f"{at} supervisor: {text}\n")

    def last_lines(self, count: int = 8) -> str:
        if not self.path.exists():
            return ""
        with self.path.open(errors="replace") as log:
            return "\n".join(line.rstrip() for line in deque(log, maxlen=count))
