"""The table of our own services, and one of them as a program for the supervisor."""

import http.client
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass

from pydantic import SecretStr

from coldwatch.stack.local import environment
from coldwatch.stack.program import Health, plain_environment
from schemas.settings import Settings

DATABASE_URLS = ("owner_url", "pipeline_url", "web_url", "reader_url")


@dataclass(frozen=True)
class ServiceKind:
    """One service: where it answers for its health, and the database roles it may be."""

    name: str
    health_port: Callable[[Settings], int]
    database_urls: tuple[str, ...]


KINDS = (
    ServiceKind("gateway", lambda s: s.gateway.health_port, ("pipeline_url",)),
    ServiceKind("judge", lambda s: s.judge.health_port, ("pipeline_url",)),
    ServiceKind("frames", lambda s: s.frames.health_port, ("pipeline_url",)),
    ServiceKind("alerts", lambda s: s.alerts.health_port, ("pipeline_url",)),
    ServiceKind("console", lambda s: s.console.port, ("web_url",)),
)
NAMES = tuple(kind.name for kind in KINDS)


class Service:
    """`python -m coldwatch serve NAME`, with all its settings in the environment."""

    probe_interval_s = 2.0
    grace_s = 10.0
    stop_signal = signal.SIGTERM

    def __init__(self, kind: ServiceKind, settings: Settings) -> None:
        self.name = kind.name
        self._kind = kind
        self._settings = settings

    def prepare(self) -> None:
        pass  # a service makes nothing of its own on disk

    def command(self) -> list[str]:
        return [sys.executable, "-m", "coldwatch", "serve", self.name]

    def environment(self) -> dict[str, str]:
        """All settings; of the database URLs only those of the service's own roles."""
        foreign = {name: SecretStr("") for name in DATABASE_URLS if name not in self._kind.database_urls}
        database = self._settings.database.model_copy(update=foreign)
        settings = self._settings.model_copy(update={"database": database})
        return plain_environment() | {"PYTHONUNBUFFERED": "1", "TZ": "UTC"} | environment(settings)

    def probe(self) -> Health:
        port = self._kind.health_port(self._settings)
        if status_of(port, "/readyz") == 200:
            return Health.READY
        return Health.ALIVE if status_of(port, "/healthz") == 200 else Health.FAILING

    def main_pid(self, spawned: int) -> int | None:
        return spawned


def status_of(port: int, path: str) -> int:
    """The HTTP status of one GET on 127.0.0.1; 0 when nobody answers within 3 s."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=3)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()


def programs(names: tuple[str, ...], settings: Settings) -> list[Service]:
    """The named services as programs. Raises LookupError for an unknown name."""
    by_name = {kind.name: kind for kind in KINDS}
    if unknown := set(names) - set(by_name):
        raise LookupError(f"no service {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    return [Service(by_name[name], settings) for name in names]
