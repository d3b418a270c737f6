"""What a payload says, by channel, whatever its convention: samples, a result, a picture."""

from datetime import datetime

import msgspec

from schemas.result import Verdict


class Message(msgspec.Struct, gc=False):
    """One message as it stands on the wire; other keys (`boot`) are ignored."""

    at: int | datetime
    values: dict[str, float | bool]
    seq: int = 0


class Sample(msgspec.Struct, frozen=True, gc=False):
    """One message, understood. `path` says where it stood: `$`, or `$[3]` in an array."""

    at_us: int
    seq: int
    values: dict[str, float | bool]
    path: str


class Reported(msgspec.Struct, frozen=True, kw_only=True):
    """A result as the instrument reports it. `verdict` is None when its word is not in VERDICT_WORDS."""

    number: str
    at_us: int
    sample: str
    item: str
    verdict_raw: str
    verdict: Verdict | None
    method: str
    value: float | None
    unit: str
    operator: str
    lot: str
    sampled_us: int | None
    raw: str
    value_text: str = ""


class ImageSize(msgspec.Struct, frozen=True):
    """Pixels, as the header states them."""

    width: int
    height: int
