"""A rapid-test result: what the instrument said, normalised, with the raw words kept. Immutable from arrival."""

import re
import unicodedata
from enum import StrEnum
from typing import Final

import msgspec


class Verdict(StrEnum):
    NEGATIVE = "negative"
    POSITIVE = "positive"
    SUSPICIOUS = "suspicious"
    INVALID = "invalid"


class Result(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One result. Identity: (device, number, at_us); a changed resend is a second record that names the first.

    `verdict_raw` is the instrument's own word; `content_sha256` is over the payload as received (hex).
    value_text: the figure where it is no plain number, with its sign: `>100`, `<0.02`.
    """

    device: str
    number: str
    at_us: int
    received_us: int
    sample: str
    item: str
    verdict: Verdict
    verdict_raw: str
    content_sha256: str
    method: str = ""
    value: float | None = None
    unit: str = ""
    operator: str = ""
    lot: str = ""
    sampled_us: int | None = None
    raw: str = ""
    """The payload's text as received, for the record."""
    value_text: str = ""


VERDICT_WORDS: Final[dict[str, Verdict]] = {
    **dict.fromkeys(("negative", "阴性", "合格", "未检出", "pass", "-"), Verdict.NEGATIVE),
    **dict.fromkeys(
        ("positive", "阳性", "弱阳性", "不合格", "检出", "超标", "疑似病态肉", "劣质油", "fail", "+"),
        Verdict.POSITIVE,
    ),
    **dict.fromkeys(("suspicious", "可疑", "疑似", "±", "+-", "+/-"), Verdict.SUSPICIOUS),
    **dict.fromkeys(("invalid", "无效"), Verdict.INVALID),
}
"""Instruments' words to verdicts. Jiangsu's and the colloidal-gold vocabularies (S); the mapping itself is ours (D)."""

_MINUS: Final = str.maketrans({"\u2212": "-", "\u2013": "-", "\u2014": "-", "\uff70": "-"})
_SIGNED: Final = re.compile(r"(?P<word>.*?)\s*\(?\s*(?P<sign>\+{1,4}|-|±|\+/?-)\s*\)?")
_POSITIVE_SOUNDS: Final = ("阳", "不合格", "检出", "超标", "positive", "fail", "+")
_NEGATIVE_SOUNDS: Final = ("未检出", "negative", "阴")


def verdict_of(word: str) -> Verdict | None:
    """The verdict that an instrument's word stands for, whatever its width, a sign behind it or in its place.

    `阳性(+)`, `＋`, `++` are positive, `阴性(-)` and `－` negative; None for a word that is not known, or that its own
    sign contradicts.
    """
    text = _plain(word)
    if text in VERDICT_WORDS:
        return VERDICT_WORDS[text]
    found = _SIGNED.fullmatch(text)
    if found is None:
        return None
    sign = VERDICT_WORDS["+" if set(found["sign"]) == {"+"} else found["sign"]]
    return sign if not found["word"] or VERDICT_WORDS.get(found["word"]) is sign else None


def sounds_positive(word: str) -> bool:
    """Whether a word, known or not, may mean a positive: nobody may take it for nothing."""
    text = _plain(word)
    if verdict_of(word) is not None:
        return verdict_of(word) is Verdict.POSITIVE
    return any(sound in text for sound in _POSITIVE_SOUNDS) and not any(s in text for s in _NEGATIVE_SOUNDS)


def _plain(word: str) -> str:
    return unicodedata.normalize("NFKC", word).translate(_MINUS).strip().lower()


_encoder: Final = msgspec.json.Encoder()
_decoder: Final = msgspec.json.Decoder(Result)


def encode_result(result: Result) -> bytes:
    return _encoder.encode(result)


def decode_result(value: bytes) -> Result:
    """Raises msgspec.DecodeError / ValidationError on foreign bytes."""
    return _decoder.decode(value)
