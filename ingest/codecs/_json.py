"""JSON from strangers, read slowly: total, and exact about where it breaks."""

import json
from typing import Any

from ingest.codecs._codec import Refusal, shown

NEAR = 24


def parse(payload: bytes, lenient: bool = False) -> Any:
    """The value, or a Refusal. NaN and numbers too large come back as non-finite floats, for the caller to refuse
    where they stand; of a key given twice the last one counts. `lenient`: broken UTF-8 and control characters inside
    strings are let through, as lone surrogates and as they are; the caller keeps none of them.
    """
    try:
        text = payload.decode("utf-8", "surrogateescape" if lenient else "strict")
    except UnicodeDecodeError as error:
        return Refusal("bad_json", detail=f"UTF-8, byte {error.start}")
    try:
        return json.loads(text, strict=not lenient)
    except json.JSONDecodeError as error:
        return Refusal("bad_json", detail=_near(text, error.pos))
    except RecursionError:
        return Refusal("bad_json", detail="[[[[…")
    except ValueError:  # an integer of thousands of digits
        return Refusal("bad_json", detail="99999…")


def _near(text: str, position: int) -> str:
    if not text.strip():
        return '""'
    before, after = text[max(0, position - NEAR) : position], text[position : position + NEAR]
    return f"{shown(before)} ▶{shown(after)}"
