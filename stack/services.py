"""Our own services as programs for the supervisor."""

import http.client
import signal
import sys

from coldwatch import serve
from schemas.settings import Settings
from stack.local import environment
from stack.program import Health, plain_environment

NAMES = tuple(serve.SERVICES)


class Service:
    """`python -m coldwatch serve NAME`, with all its settings in the environment."""

    probe_interval_s = 2.0
    grace_s = 10.0
    stop_signal = signal.SIGTERM

    def __init__(self, kind: serve.Service, settings: Settings) -> None:
        self.name = kind.name
        self._kind = kind
        self._settings = settings

    def prepare(self) -> None:
        pass  # a service makes nothing of its own on disk

    def command(self) -> list[str]:
        return [sys.executable, "-m", "coldwatch", "serve", self.name]

    def environment(self) -> dict[str, str]:
        """All settings; of the secrets the service's own alone."""
        own = environment(self._kind.own(self._settings))
        return plain_environment() | {"PYTHONUNBUFFERED": "1", "TZ": "UTC"} | own

    def probe(self) -> Health:
        host, port = self._kind.health(self._settings)
        if status_of(host, port, "/readyz") == 200:
            return Health.READY
        return Health.ALIVE if status_of(host, port, "/healthz") == 200 else Health.FAILING

    def main_pid(self, spawned: int) -> int | None:
        return spawned


LOCAL = {"0.0.0.0": "127.0.0.1", "::": "::1"}
"""Who listens on every address is asked on this machine's own."""


def status_of(host: str, port: int, path: str) -> int:
    """The HTTP status of one GET; 0 when nobody answers within 3 s."""
    connection = http.client.HTTPConnection(LOCAL.get(host, host), port, timeout=3)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()


def programs(names: tuple[str, ...], settings: Settings) -> list[Service]:
    """The named services as programs. Raises LookupError for an unknown name."""
    if unknown := set(names) - set(NAMES):
        raise LookupError(f"no service {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    return [Service(serve.SERVICES[name], settings) for name in names]
