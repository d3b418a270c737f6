"""The services: one file each builds its stage from settings, opens its connections and runs it until SIGTERM."""

from collections.abc import Callable
from importlib import import_module

from coldwatch import logs
from schemas.settings import Settings

SERVICES = ("gateway", "judge", "frames", "alerts", "console")


def run(name: str, settings: Settings) -> int:
    """Runs one service to its end and returns its exit code (0: asked to stop; 3: Permanent, see the log)."""
    logs.configure(name, settings.log_format)
    service: Callable[[Settings], int] = import_module(f"coldwatch.serve.{name}").run
    return service(settings)
