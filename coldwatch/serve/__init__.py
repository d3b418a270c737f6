"""The services: one file each builds its stage from settings, opens its connections and runs it until SIGTERM.

The table below is the only one: the command line, the local stack, the docs and the tests read it.
"""

from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final, TypeVar

from pydantic import BaseModel, SecretStr

from coldwatch.wiring import logs
from schemas.secret_files import SUFFIX, secret_paths, variable_of
from schemas.settings import Settings

Path = tuple[str, ...]
Group = TypeVar("Group", bound=BaseModel)
PIPELINE: Final[Path] = ("database", "pipeline_url")
WEB: Final[Path] = ("database", "web_url")
KAFKA: Final[Path] = ("kafka", "password")


@dataclass(frozen=True)
class Service:
    """One row of the table: its name is its file here and its group of settings; `secrets` are all that it may see."""

    name: str
    zh: str
    en: str
    secrets: tuple[Path, ...]

    def run(self, settings: Settings) -> int:
        """Runs it to its end and returns its exit code (0: asked to stop; 3: Permanent, see the log)."""
        logs.configure(self.name, settings.log_format)
        run: Callable[[Settings], int] = import_module(f"coldwatch.serve.{self.name}").run
        return run(self.own(settings))

    def health(self, settings: Settings) -> tuple[str, int]:
        """Address and port on which it answers /healthz, /readyz and /metrics; port 0: a free one."""
        return settings.health_host, getattr(settings, self.name).health_port

    def own(self, settings: Settings) -> Settings:
        """The settings without the secrets that are not its own."""
        for path in self._foreign():
            settings = _without(settings, path)
        return settings

    def forget_foreign(self, environment: MutableMapping[str, str]) -> None:
        """Takes the variables of the secrets that are not its own away, before anything reads or inherits them."""
        for path in self._foreign():
            environment.pop(variable_of(path), None)
            environment.pop(variable_of(path) + SUFFIX, None)

    def _foreign(self) -> list[Path]:
        return [path for path in secret_paths(Settings) if path not in self.secrets]


def _without(group: Group, path: Path) -> Group:
    name, *rest = path
    value: Any = _without(getattr(group, name), tuple(rest)) if rest else SecretStr("")
    return group.model_copy(update={name: value})


SERVICES: Final = {
    service.name: service
    for service in (
        Service("gateway", "设备接入", "takes devices' messages in over MQTT", (PIPELINE, KAFKA)),
        Service("judge", "判定入库", "judges and stores readings and results", (PIPELINE, KAFKA)),
        Service("frames", "画面检查", "looks at the cameras' images", (PIPELINE, KAFKA)),
        Service("alerts", "告警", "turns findings into incidents and tells people", (PIPELINE, KAFKA)),
        Service("console", "控制台", "the web: page and API", (WEB, KAFKA)),
    )
}
