"""Passwords of the local stack's database roles: generated once per home directory, readable by its owner only."""

import json
import secrets
from pathlib import Path

from coldwatch.wiring.files import write_atomically

ROLES = ("superuser", "pipeline", "web", "reader")


def load_or_create(path: Path) -> dict[str, str]:
    """One password per role of `ROLES`, from the file, which is made (0600) when it is not there."""
    known: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    missing = [role for role in ROLES if role not in known]
    if missing:
        known |= {role: secrets.token_urlsafe(24) for role in missing}
        write_atomically(path, json.dumps(known, indent=1).encode(), mode=0o600)
    return known
