"""argon2id. At most two hashes at a time: each takes 64 MiB and a core."""

import threading
from typing import Final

import argon2
from argon2.exceptions import InvalidHashError, VerificationError

from schemas.errors import Temporary

_hasher: Final = argon2.PasswordHasher(time_cost=2, memory_cost=64 * 1024, parallelism=1)
_seats: Final = threading.BoundedSemaphore(2)
SEAT_WAIT_S: Final = 5.0
NOBODY: Final = _hasher.hash("nobody has this password")
"""Verified against when the name is unknown, so that the answer takes as long."""


def hash(password: str) -> str:
    """Raises Temporary when too many are at it."""
    with _Seat():
        return _hasher.hash(password)


def verify(hashed: str, password: str) -> bool:
    """Raises Temporary when too many are at it."""
    with _Seat():
        try:
            return _hasher.verify(hashed, password)
        except (VerificationError, InvalidHashError):
            return False


def is_outdated(hashed: str) -> bool:
    return _hasher.check_needs_rehash(hashed)


class _Seat:
    def __enter__(self) -> None:
        if not _seats.acquire(timeout=SEAT_WAIT_S):
            raise Temporary("too many sign-ins at once")

    def __exit__(self, *_: object) -> None:
        _seats.release()
