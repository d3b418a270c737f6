"""Secrets from files: each may be given as `<VARIABLE>_FILE=/run/secrets/x` instead of in the environment."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from schemas.errors import Permanent

PREFIX = "COLDWATCH_"
SUFFIX = "_FILE"


class BadSetting(Permanent):
    """A setting that cannot be used; the sentence names its variable and never a secret."""


def secret_paths(model: type[BaseModel]) -> Iterator[tuple[str, ...]]:
    """Where the secrets are in a settings model: ("database", "web_url") and so on."""
    for name, field in model.model_fields.items():
        kind = field.annotation
        if kind is SecretStr:
            yield (name,)
        elif isinstance(kind, type) and issubclass(kind, BaseModel):
            for path in secret_paths(kind):
                yield (name, *path)


def variable_of(path: tuple[str, ...]) -> str:
    """("database", "web_url") -> "COLDWATCH_DATABASE__WEB_URL"."""
    return PREFIX + "__".join(path).upper()


def read_secrets(model: type[BaseModel], environment: Mapping[str, str]) -> dict[str, Any]:
    """The secrets whose file is named in the environment, nested as the model is. Raises BadSetting."""
    found: dict[str, Any] = {}
    for path in secret_paths(model):
        variable = variable_of(path)
        file = environment.get(variable + SUFFIX, "")
        if not file:
            continue
        if environment.get(variable):
            raise BadSetting(
                f"{variable} 与 {variable}{SUFFIX} 只能设一个 / "
                f"set {variable} or {variable}{SUFFIX}, not both of them"
            )
        group = found
        for name in path[:-1]:
            group = group.setdefault(name, {})
        group[path[-1]] = _content(variable + SUFFIX, Path(file))
    return found


def _content(variable: str, file: Path) -> str:
    try:
        content = file.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise BadSetting(
            f"{variable} 所指的文件 {file} 读不到（{reason}）：请检查路径与权限 / "
            f"{variable}: {file} cannot be read ({reason}): check its path and its permissions"
        ) from None
    if not content:
        raise BadSetting(f"{variable} 所指的文件 {file} 是空的 / {variable}: {file} is empty")
    return content


class SecretFiles(PydanticBaseSettingsSource):
    """The source of settings that reads these files."""

    def __init__(self, model: type[BaseSettings]) -> None:
        super().__init__(model)

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        value = self().get(field_name)
        return value, field_name, isinstance(value, dict)

    def __call__(self) -> dict[str, Any]:
        return read_secrets(self.settings_cls, os.environ)
