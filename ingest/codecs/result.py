"""A rapid-test result as JSON. The instrument's own words are kept; the verdict is normalised beside them.

{"number": "42", "at": ..., "sample": "菠菜", "item": "农药残留", "method": "酶抑制率法", "value": 61.5, "unit": "%",
"verdict": "不合格", "operator": "...", "lot": "...", "sampled_at": ...}; see docs/devices.md.
"""

import math
import re
import unicodedata
from typing import Any, Final

from ingest.codecs import _json
from ingest.codecs._codec import Codec, Refusal, quoted, time_us
from ingest.codecs._shapes import Reported
from schemas.device_topics import RESULT as CHANNEL
from schemas.result import verdict_of

TEXT_MAX: Final = 200
PAYLOAD_MAX_BYTES: Final = 64 * 1024
LATEST_US: Final = 4_102_444_800_000_000
"""2100: a sampling time is kept as it is said, but must be one that a database can hold."""
NUMBER: Final = re.compile(r"[+-]?[0-9]{1,30}(\.[0-9]{1,30})?", re.ASCII)
REQUIRED: Final = ("number", "sample", "item", "verdict")
OPTIONAL: Final = ("method", "unit", "operator", "lot")


def decode(payload: bytes, received_us: int) -> Reported | Refusal:
    """The result, or why it cannot be understood."""
    if len(payload) > PAYLOAD_MAX_BYTES:
        return Refusal("too_large", detail=f"{len(payload)} > {PAYLOAD_MAX_BYTES} byte")
    found = _json.parse(payload)
    if isinstance(found, Refusal):
        return found
    if not isinstance(found, dict):
        return Refusal("bad_shape", "$", f'{quoted(found)} ≠ {{"number": …, "at": …, "verdict": …}}')
    at_us = time_us(found.get("at"), "$.at")
    if isinstance(at_us, Refusal):
        return at_us
    texts = _texts(found)
    if isinstance(texts, Refusal):
        return texts
    figure = _figure(found.get("value"))
    if isinstance(figure, Refusal):
        return figure
    value, value_text = figure
    sampled_us = _sampled(found.get("sampled_at"))
    if isinstance(sampled_us, Refusal):
        return sampled_us
    word = texts.pop("verdict")
    return Reported(
        at_us=at_us,
        value=value,
        value_text=value_text,
        sampled_us=sampled_us,
        verdict_raw=word,
        verdict=verdict_of(word),
        raw=payload.decode(),
        **texts,
    )


def _texts(found: dict[str, Any]) -> dict[str, str] | Refusal:
    texts: dict[str, str] = {}
    for name in REQUIRED + OPTIONAL:
        text = _text(found.get(name), f"$.{name}", required=name in REQUIRED)
        if isinstance(text, Refusal):
            return text
        texts[name] = text
    return texts


def _text(value: Any, path: str, required: bool) -> str | Refusal:
    """Text that PostgreSQL can hold: no NUL, no lone surrogate. A whole number is taken for its digits."""
    if value is None and not required:
        return ""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or (required and not value.strip()):
        return Refusal("bad_shape", path, f'{quoted(value)} ≠ "…"')
    if len(value) > TEXT_MAX:
        return Refusal("bad_shape", path, f"{len(value)} > {TEXT_MAX}")
    if any(c == "\0" or "\ud800" <= c <= "\udfff" for c in value):
        return Refusal("bad_shape", path, quoted(value))
    return value


def _figure(value: Any) -> tuple[float | None, str] | Refusal:
    """A number, or what stands in its place as text with its sign (`>100`); a number in quotes is one."""
    if isinstance(value, str):
        text = _text(value, "$.value", required=False)
        if isinstance(text, Refusal):
            return text
        plain = unicodedata.normalize("NFKC", text).strip()
        return (float(plain), "") if NUMBER.fullmatch(plain) else (None, plain)
    number = _number(value)
    return number if isinstance(number, Refusal) else (number, "")


def _number(value: Any) -> float | Refusal | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return Refusal("not_a_number", "$.value", quoted(value))
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    return number if math.isfinite(number) else Refusal("not_a_number", "$.value", quoted(value))


def _sampled(value: Any) -> int | Refusal | None:
    if value is None:
        return None
    sampled_us = time_us(value, "$.sampled_at")
    if isinstance(sampled_us, Refusal) or 0 <= sampled_us < LATEST_US:
        return sampled_us
    return Refusal("bad_time", "$.sampled_at", quoted(value))


RESULT: Final = Codec(name="result", channel=CHANNEL, decode=decode)
