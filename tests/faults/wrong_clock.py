"""A gateway process whose clock is wrong: libfaketime is in it alone; a file says how far it is off, even as it runs.

Its monotonic clock and the times of files stay true, as they do when a host's clock is off.
"""

import os
import sys
from pathlib import Path

import pytest

from coldwatch.serve import SERVICES
from schemas.settings import Settings
from stack.ports import Ports
from stack.services import Service

LIBRARY = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)


def library() -> Path:
    """Absent: skipped here with the reason, failed where CI is set."""
    if LIBRARY is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("no faketime: run `make setup`")
    return LIBRARY


class WrongClock(Service):
    """One more gateway of a running stack, on ports of its own, as a program for a supervisor."""

    def __init__(self, settings: Settings, name: str, off_s: int) -> None:
        home, ports = settings.home / name, Ports(settings.home / f"{name}-ports.json")
        chosen = {"port": ports.choose("mqtt"), "health_port": ports.choose("health")}
        gateway = settings.gateway.model_copy(update=chosen)
        super().__init__(SERVICES["gateway"], settings.model_copy(update={"gateway": gateway}))
        self.name = name
        self.port = gateway.port
        self._offset = home.with_suffix(".offset")
        self.set(off_s)

    def set(self, off_s: int) -> None:
        """Within a second its clock is so many seconds ahead of the true time; behind it when negative."""
        new = self._offset.with_suffix(".new")
        new.write_text(f"{off_s:+d}\n")
        new.replace(self._offset)

    def command(self) -> list[str]:
        return [sys.executable, "-m", "coldwatch", "serve", "gateway"]

    def environment(self) -> dict[str, str]:
        return super().environment() | {
            "LD_PRELOAD": str(library()),
            "FAKETIME_TIMESTAMP_FILE": str(self._offset),
            "FAKETIME_CACHE_DURATION": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",
        }
