"""Where bytes lie in the evidence store: by the SHA-256 of their content, DIRECTORY/aa/bb/aabb.... Pure."""

import hashlib
import re
from typing import Final

_SHA256: Final = re.compile(r"[0-9a-f]{64}")


def is_sha256(text: str) -> bool:
    """True for 64 digits of lower-case hex."""
    return _SHA256.fullmatch(text) is not None


def require_sha256(text: str) -> str:
    """The text itself. Raises ValueError when it is no SHA-256 in lower-case hex."""
    if not is_sha256(text):
        raise ValueError(f"not a SHA-256: {text[:80]!r}")
    return text


def place_of(sha256: str) -> str:
    """The file of these bytes inside of the store's directory. Raises ValueError on what is no SHA-256."""
    require_sha256(sha256)
    return f"{sha256[:2]}/{sha256[2:4]}/{sha256}"


def is_intact(sha256: str, data: bytes) -> bool:
    """False when the disk has changed the bytes since they were named."""
    return hashlib.sha256(data).hexdigest() == sha256
