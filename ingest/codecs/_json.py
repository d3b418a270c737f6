"""JSON from strangers, read slowly: total, and exact about where it breaks."""

import json
from typing import Any

from ingest.codecs._codec import Refusal, shown
from schemas.rejection import BOTH

NEAR = 24
_CURLY = ('弯引号，请用直引号 "', "a curly quotation mark: use the straight one")
NAMES = {
    "\0": (" NUL（0x00），请去掉", "NUL (0x00): leave it out"),
    "\ufeff": (" BOM，请去掉", "a BOM: leave it out"),
    **dict.fromkeys("“”„‟″〝〞＂", _CURLY),
    **dict.fromkeys("‘’＇", ('弯的或全角的单引号，请用 "', 'a curly or full-width apostrophe: use "')),
    "'": ('单引号，JSON 用双引号 "', "an apostrophe: JSON has quotation marks"),
    "，": ("全角逗号，请用 ,", "a full-width comma: use ,"),
    "：": ("全角冒号，请用 :", "a full-width colon: use :"),
}
"""What stands where JSON breaks, in words."""


def parse(payload: bytes, lenient: bool = False) -> Any:
    """The value, or a Refusal. NaN and numbers too large come back as non-finite floats, for the caller to refuse
    where they stand; of a key given twice the last one counts. `lenient`: broken UTF-8 and control characters inside
    strings are let through, as lone surrogates and as they are; the caller keeps none of them.
    """
    if (foreign := _foreign(payload)) is not None:
        return Refusal("bad_json", detail=foreign)
    try:
        text = payload.decode("utf-8", "surrogateescape" if lenient else "strict")
    except UnicodeDecodeError as error:
        return Refusal("bad_json", detail=_no_utf8(payload, error.start))
    try:
        return json.loads(text, strict=not lenient)
    except json.JSONDecodeError as error:
        return Refusal("bad_json", detail=_named(text, error.pos) or _near(text, error.pos))
    except RecursionError:
        return Refusal("bad_json", detail="[[[[…")
    except ValueError:  # an integer of thousands of digits
        return Refusal("bad_json", detail="99999…")


def _foreign(payload: bytes) -> str | None:
    """What the first bytes say that the text is not UTF-8 as it should be."""
    if payload.startswith(b"\xef\xbb\xbf"):
        return "第 0 字节是 BOM（EF BB BF），请去掉 ‖ byte 0 begins a BOM (EF BB BF): leave it out"
    if payload[:2] in (b"\xff\xfe", b"\xfe\xff") or (
        len(payload) > 3 and 0 in payload[:2] and payload[:2] != b"\0\0"
    ):
        return "编码是 UTF-16，请用 UTF-8 ‖ encoded in UTF-16: send UTF-8"
    return None


def _no_utf8(payload: bytes, position: int) -> str:
    """Which byte it is, and what it may come from."""
    byte = f"0x{payload[position]:02X}"
    zh, en = f"第 {position} 字节（{byte}）不是 UTF-8", f"byte {position} ({byte}) is no UTF-8"
    try:
        payload.decode("gb18030")
    except UnicodeDecodeError:
        return f"{zh}{BOTH}{en}"
    return f"{zh}，像是 GBK，请用 UTF-8{BOTH}{en}, it looks like GBK: send UTF-8"


def _named(text: str, position: int) -> str | None:
    """The character at which it breaks, where its name is what helps."""
    character = text[position : position + 1]
    byte = len(text[:position].encode("utf-8", "surrogateescape"))
    found = NAMES.get(character)
    return f"第 {byte} 字节是{found[0]}{BOTH}byte {byte} is {found[1]}" if found else None


def _near(text: str, position: int) -> str:
    if not text.strip():
        return '""'
    before, after = text[max(0, position - NEAR) : position], text[position : position + NEAR]
    return f"{shown(before)} ▶{shown(after)}"
