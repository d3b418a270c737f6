"""What codecs share: the refusal they answer with, times, and text that is safe to show and to store."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from schemas.times import to_us

SHOWN_MAX = 60


class Refusal(msgspec.Struct, frozen=True):
    """Why a payload cannot be understood: a code of schemas.rejection.REASONS, where, and what was found there."""

    code: str
    path: str = "$"
    detail: str = ""


class Identity(NamedTuple):
    """What the levels behind the channel say of the message. at_us None: nothing, received time is taken."""

    at_us: int | None = None
    seq: int = 0


def no_levels(rest: tuple[str, ...]) -> Identity | None:
    """The channel is the topic's last level."""
    return None if rest else Identity()


class Codec(msgspec.Struct, frozen=True, kw_only=True):
    """A payload convention of one channel (`schemas.device_topics`).

    identity: what the topic's levels behind the channel say; None when they are not this codec's.
    content_types: MQTT 5 content types that choose this codec; a codec without any takes what no other one claims.
    decode(payload, received_us): total; for any bytes the channel's shape (`_shapes`: a list of Sample, Reported,
    ImageSize) or a Refusal. read: a quick reader of telemetry for the hot path; it raises on anything odd.
    """

    name: str
    channel: str
    decode: Callable[[bytes, int], Any]
    identity: Callable[[tuple[str, ...]], Identity | None] = no_levels
    content_types: frozenset[str] = frozenset()
    read: Callable[[bytes], Any] | None = None


def shown(value: object) -> str:
    """A foreign value as short text for an error: clipped, without control characters, NUL or lone surrogates."""
    text = value if isinstance(value, str) else _json(value)
    clipped = text if len(text) <= SHOWN_MAX else text[: SHOWN_MAX - 1] + "…"
    return "".join(c if c.isprintable() else "�" for c in clipped)


def quoted(value: object) -> str:
    """The same, with quotation marks round text: what stands in the payload."""
    return f'"{shown(value)}"' if isinstance(value, str) else shown(value)


def _json(value: object) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, dict):
        return "{…}" if value else "{}"
    if isinstance(value, list):
        return "[…]" if value else "[]"
    return str(value) if not isinstance(value, int) or abs(value) < 10**40 else "1e40…"


def time_us(value: object, path: str) -> int | Refusal:
    """A device's time, epoch milliseconds or RFC 3339 with offset, as microseconds since 1970 UTC."""
    if value is None:
        return Refusal("no_time", path)
    if isinstance(value, int) and not isinstance(value, bool):
        return value * 1000
    if not isinstance(value, str):
        return Refusal("bad_time", path, quoted(value))
    try:
        at = msgspec.convert(value, datetime)
    except (msgspec.ValidationError, ValueError):
        return Refusal("bad_time", path, quoted(value))
    return Refusal("naive_time", path) if at.tzinfo is None else to_us(at)
