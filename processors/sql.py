"""Reads a stage's statements from their .sql file: each begins at a line `-- name: NAME`."""

import re
from importlib import resources


def load(name: str) -> dict[str, str]:
    """The statements of `processors/NAME.sql` by name."""
    text = (resources.files("processors") / f"{name}.sql").read_text(encoding="utf-8")
    parts = re.split(r"^-- name: (\w+)$", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], (part.strip() for part in parts[2::2]), strict=True))
