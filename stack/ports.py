"""Chooses free TCP ports and remembers them, so that a restarted stack is found at the same addresses."""

import json
import random
import socket
from pathlib import Path

from coldwatch.wiring.files import write_atomically
from schemas.errors import Permanent

# Below the kernel's range for outgoing connections (32768 and up): a client's own port must not take
# a server's while that server is down.
LOWEST, HIGHEST = 10_240, 32_767


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """True when nobody listens on the port. Connections in TIME_WAIT do not count, as for the servers themselves."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


class Ports:
    """The ports of one home directory, by name, kept in one small file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._remembered: dict[str, int] = json.loads(path.read_text()) if path.exists() else {}

    def choose(self, name: str, fixed: int = 0) -> int:
        """The fixed port when one is set, else the remembered one while it is free, else a new one.

        Raises Permanent when a fixed port is taken.
        """
        port = self._fixed(name, fixed) if fixed else self._remembered_or_new(name)
        if self._remembered.get(name) != port:
            self._remembered[name] = port
            write_atomically(self._path, json.dumps(self._remembered, indent=1).encode())
        return port

    def _fixed(self, name: str, port: int) -> int:
        if not is_free(port):
            raise Permanent(
                f"{name} 的端口 {port} 已被占用：请释放它，或改用其他端口 / "
                f"port {port} for {name} is taken: free it or set another one"
            )
        return port

    def _remembered_or_new(self, name: str) -> int:
        port = self._remembered.get(name, 0)
        if port and is_free(port):
            return port
        taken = set(self._remembered.values())
        candidates = random.SystemRandom().sample(range(LOWEST, HIGHEST), 200)
        for candidate in candidates:
            if candidate not in taken and is_free(candidate):
                return candidate
        raise Permanent(f"找不到空闲端口 / no free port between {LOWEST} and {HIGHEST}")
