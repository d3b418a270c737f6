"""What the supervisor needs to know of a program: how to prepare, start, probe and stop it."""

import os
import signal
from enum import Enum
from typing import Protocol


class Health(Enum):
    READY = "ready"
    """Does its work."""
    ALIVE = "alive"
    """Answers, but waits for something else."""
    FAILING = "failing"
    """Does not answer."""


class Program(Protocol):
    """A server or service. Building one starts nothing."""

    @property
    def name(self) -> str:
        """What it is called in status and logs."""

    @property
    def probe_interval_s(self) -> float | None:
        """Seconds between two probes once it is ready; None: then its exit alone is watched."""

    @property
    def grace_s(self) -> float:
        """How long it may take to stop before it is killed."""

    @property
    def stop_signal(self) -> signal.Signals:
        """The signal that makes it stop in order."""

    def prepare(self) -> None:
        """Makes what it needs on disk and clears what a killed predecessor left; safe to repeat."""

    def command(self) -> list[str]:
        """Its argument vector; holds no secret."""

    def environment(self) -> dict[str, str]:
        """Its whole environment."""

    def probe(self) -> Health:
        """Asks it how it is; never raises, bounded to a few seconds."""

    def main_pid(self, spawned: int) -> int | None:
        """The process that does the work, which is not the spawned one when a wrapper stands before it."""


#: What a server of somebody else's needs from our environment; secrets of ours stay out of it.
INHERITED = ("PATH", "HOME", "LANG", "TMPDIR", "JAVA_HOME")


def plain_environment() -> dict[str, str]:
    return {name: os.environ[name] for name in INHERITED if name in os.environ}
