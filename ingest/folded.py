"""Refused messages of one device, folded: the first few of a minute are kept one by one, the rest as one with a count.

A box that sends nonsense as fast as it can would fill the database and hold up its neighbours. What may be worth having
again is never folded: quarantined values, and results. Pure; time is an argument.
"""

from typing import Final

from ingest.packer import Ticket
from schemas.device_topics import RESULT
from schemas.rejection import Disposition, Rejection

FEW: Final = 20
WINDOW_S: Final = 60.0
MOST: Final = 10_000
"""Devices and codes that are remembered; the oldest give way."""


class Fold:
    """Several refusals as one: of the first of them, with how many there are and who waits for it."""

    __slots__ = ("count", "raw", "rejection", "tickets")

    def __init__(self, rejection: Rejection, raw: bytes) -> None:
        self.rejection = rejection
        self.raw = raw
        self.count = 0
        self.tickets: list[Ticket] = []

    def hold(self, rejection: Rejection, ticket: Ticket) -> None:
        self.count += rejection.count
        if not self.tickets or self.tickets[-1] is not ticket:
            self.tickets.append(ticket)
            ticket.pending += 1


class Folding:
    """Which refusals are folded, and those that are until they leave."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str], tuple[float, int]] = {}
        self._folds: dict[tuple[str, str], Fold] = {}

    def take(self, rejection: Rejection, raw: bytes, ticket: Ticket, now_s: float) -> bool:
        """Folds it, or leaves it to be kept by itself (False)."""
        if rejection.disposition is not Disposition.DEAD_LETTERED or f"/{RESULT}" in rejection.topic:
            return False
        key = (rejection.device, rejection.code)
        since_s, seen = self._seen.pop(key, (now_s, 0))
        if now_s - since_s > WINDOW_S:
            since_s, seen = now_s, 0
        if len(self._seen) >= MOST:
            del self._seen[next(iter(self._seen))]
        self._seen[key] = (since_s, seen + 1)
        if seen < FEW:
            return False
        self._folds.setdefault(key, Fold(rejection, raw)).hold(rejection, ticket)
        return True

    def leave(self) -> list[Fold]:
        """What was folded since the last departure."""
        folds, self._folds = list(self._folds.values()), {}
        return folds
