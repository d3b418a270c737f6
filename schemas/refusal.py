"""Why a person's request was refused, as data: a code for programs, a sentence in zh and en that says what to do."""

from enum import StrEnum

import msgspec

from schemas.errors import ColdwatchError


class Ground(StrEnum):
    """What kind of refusal it is; the web maps it to an HTTP status."""

    INVALID = "invalid"
    SIGNED_OUT = "signed_out"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    TOO_MANY = "too_many"
    UNAVAILABLE = "unavailable"


class Refusal(msgspec.Struct, frozen=True):
    """One refusal. `zh` and `en` are whole sentences for the person who asked."""

    ground: Ground
    code: str
    zh: str
    en: str


class Refused(ColdwatchError):
    """Carries a refusal up to the edge that answers the person."""

    def __init__(self, refusal: Refusal, retry_after_s: int | None = None) -> None:
        super().__init__(refusal.en)
        self.refusal = refusal
        self.retry_after_s = retry_after_s
