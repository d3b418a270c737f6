"""The settings of the stack that runs in a home directory: what was set, completed by what the stack has chosen."""

import json
from typing import Any

from pydantic import BaseModel, SecretStr

from coldwatch.serve import SERVICES
from coldwatch.wiring import saved_settings
from coldwatch.wiring.connections import with_parts
from coldwatch.wiring.files import write_atomically
from schemas.settings import Settings
from stack import postgres
from stack.ports import Ports


def complete(settings: Settings, ports: Ports, passwords: dict[str, str]) -> Settings:
    """The settings with every port chosen and every address known; what was set stays as it is."""
    chosen: dict[str, Any] = {
        "home": settings.home.absolute(),
        "cache": settings.cache.expanduser().absolute(),
    }
    for group, name in PORTS:
        fixed = getattr(getattr(settings, group), name)
        chosen.setdefault(group, {})[name] = ports.choose(f"{group}.{name}", fixed)
    if not settings.kafka.bootstrap:
        chosen["kafka"] = _kafka(settings, ports)
    chosen["database"] = _database(settings, ports, passwords)
    return _merged(settings, chosen)


PORTS = (("gateway", "port"), ("console", "port"), *((name, "health_port") for name in SERVICES))


def _kafka(settings: Settings, ports: Ports) -> dict[str, Any]:
    port = ports.choose("kafka.port", settings.kafka.port)
    return {"port": port, "bootstrap": f"127.0.0.1:{port}"}


def starts_database(settings: Settings) -> bool:
    """False when the settings name a database of somebody else's."""
    return not (
        settings.database.owner_url.get_secret_value() or settings.database.pipeline_url.get_secret_value()
    )


def _database(settings: Settings, ports: Ports, passwords: dict[str, str]) -> dict[str, Any]:
    """URLs of the roles that have none, on our own server or on the one that the owner's URL names."""
    database = settings.database
    chosen: dict[str, Any] = {}
    owner = database.owner_url
    if starts_database(settings):
        chosen["port"] = ports.choose("database.port", database.port)
        owner = SecretStr(postgres.url(chosen["port"], postgres.SUPERUSER, passwords["superuser"]))
        chosen["owner_url"] = owner
    for role in ("pipeline", "web", "reader"):
        if owner.get_secret_value() and not getattr(database, f"{role}_url").get_secret_value():
            chosen[f"{role}_url"] = with_parts(owner, user=f"coldwatch_{role}", password=passwords[role])
    return chosen


def _merged(settings: Settings, chosen: dict[str, Any]) -> Settings:
    update: dict[str, Any] = {}
    for name, value in chosen.items():
        group = getattr(settings, name)
        update[name] = group.model_copy(update=value) if isinstance(group, BaseModel) else value
    return settings.model_copy(update=update)


def environment(settings: BaseModel, prefix: str = "COLDWATCH_") -> dict[str, str]:
    """The settings as environment variables, secrets in plain: for a child's environment or a 0600 file, no log."""
    variables: dict[str, str] = {}
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        if isinstance(value, BaseModel):
            variables |= environment(value, f"{prefix}{name.upper()}__")
        else:
            plain = value.get_secret_value() if isinstance(value, SecretStr) else value
            variables[prefix + name.upper()] = str(plain)
    return variables


def save(settings: Settings) -> None:
    """Writes the completed settings for `of_running`; the file holds passwords and is its owner's alone."""
    text = json.dumps(saved_settings.plain(settings), indent=1, default=str)
    write_atomically(saved_settings.path_of(settings), text.encode(), mode=0o600)
