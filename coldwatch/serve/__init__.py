"""The services: one file each builds its stage from settings, opens its connections and runs it until SIGTERM."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Final

from coldwatch.wiring import logs
from schemas.settings import Settings


@dataclass(frozen=True)
class Service:
    """One row of the table: where it answers for its health, and which of the database's URLs it may see."""

    name: str
    health_port: Callable[[Settings], int]
    database_urls: tuple[str, ...]

    def run(self, settings: Settings) -> int:
        """Runs it to its end and returns its exit code (0: asked to stop; 3: Permanent, see the log)."""
        logs.configure(self.name, settings.log_format)
        run: Callable[[Settings], int] = import_module(f"coldwatch.serve.{self.name}").run
        return run(settings)


SERVICES: Final = {
    service.name: service
    for service in (
        Service("gateway", lambda s: s.gateway.health_port, ("pipeline_url",)),
        Service("judge", lambda s: s.judge.health_port, ("pipeline_url",)),
        Service("frames", lambda s: s.frames.health_port, ("pipeline_url",)),
        Service("alerts", lambda s: s.alerts.health_port, ("pipeline_url",)),
        Service("console", lambda s: s.console.port, ("web_url",)),
    )
}
