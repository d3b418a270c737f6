"""The settings that whoever started an installation in a home directory has left there: its ports and passwords.

A command such as `coldwatch device add` finds the running installation's addresses through `of_running`.
"""

import json
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from schemas.settings import Settings


def run_directory(settings: Settings) -> Path:
    """Where ports, pids and generated secrets of one home directory are kept."""
    return settings.home.absolute() / "run"


def path_of(settings: Settings) -> Path:
    return run_directory(settings) / "settings.json"


def of_running(settings: Settings) -> Settings:
    """Completes the settings with what was chosen in this home directory, now or when it last ran.

    Unchanged when nothing was ever started there. What is set explicitly wins.
    """
    path = path_of(settings)
    if not path.exists():
        return settings
    saved: dict[str, Any] = json.loads(path.read_text())
    explicit = plain(settings, only_set=True)
    for group, value in explicit.items():
        saved[group] = saved.get(group, {}) | value if isinstance(value, dict) else value
    return Settings.model_validate(saved)


def plain(settings: Settings, only_set: bool = False) -> dict[str, Any]:
    """The settings by group and name, secrets in plain: for a 0600 file, no log."""
    found: dict[str, Any] = {}
    for name, value in settings.model_dump(exclude_unset=only_set).items():
        if isinstance(value, dict):
            found[name] = {key: _revealed(inner) for key, inner in value.items()}
        else:
            found[name] = value
    return found


def _revealed(value: Any) -> Any:
    return value.get_secret_value() if isinstance(value, SecretStr) else value
