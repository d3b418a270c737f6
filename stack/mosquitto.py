"""A mosquitto broker from the private root file system, for sites that keep their own broker and for the tests of
the bridge to it."""

import signal
import socket
from pathlib import Path

from coldwatch.wiring.files import write_atomically
from stack import process, rootfs
from stack.program import Health, plain_environment


class Mosquitto:
    """A broker on 127.0.0.1 that lets everybody in and keeps its sessions in `directory`."""

    name = "mosquitto"
    probe_interval_s = None
    grace_s = 5.0
    stop_signal = signal.SIGTERM

    def __init__(self, root: Path, directory: Path, port: int) -> None:
        self._root = root
        self._directory = directory.absolute()
        self._port = port

    def prepare(self) -> None:
        text = (
            f"listener {self._port} 127.0.0.1\nallow_anonymous true\nlog_dest stdout\n"
            f"persistence true\npersistence_location {rootfs.INSIDE}/\nmax_queued_messages 0\n"
        )
        write_atomically(self._directory / "mosquitto.conf", text.encode())

    def command(self) -> list[str]:
        program = ["/usr/sbin/mosquitto", "-c", f"{rootfs.INSIDE}/mosquitto.conf"]
        return rootfs.command(self._root, "mosquitto", self._directory, program)

    def environment(self) -> dict[str, str]:
        return plain_environment()

    def probe(self) -> Health:
        try:
            socket.create_connection(("127.0.0.1", self._port), timeout=1).close()
        except OSError:
            return Health.FAILING
        return Health.READY

    def main_pid(self, spawned: int) -> int | None:
        """The broker itself: bubblewrap's only child."""
        return process.only_child(spawned)
