"""What PostgreSQL's text and jsonb can hold: all but NUL. The raw bytes are kept elsewhere."""

from typing import TypeVar

T = TypeVar("T")


def storable(value: T) -> T:
    """A string without NUL; anything else as it is."""
    return value.replace("\0", "\ufffd") if isinstance(value, str) else value  # type: ignore[return-value]
