"""A rapid-test result: what the instrument said, normalised, with the raw words kept. Immutable from arrival."""

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


VERDICT_WORDS: Final[dict[str, Verdict]] = {
    **dict.fromkeys(("negative", "阴性", "合格", "未检出", "pass", "-"), Verdict.NEGATIVE),
    **dict.fromkeys(
        ("positive", "阳性", "不合格", "检出", "超标", "疑似病态肉", "劣质油", "fail", "+"), Verdict.POSITIVE
    ),
    **dict.fromkeys(("suspicious", "可疑", "疑似"), Verdict.SUSPICIOUS),
    **dict.fromkeys(("invalid", "无效"), Verdict.INVALID),
}
"""Instruments' words to verdicts. Jiangsu's and the colloidal-gold vocabularies (S); the mapping itself is ours (D)."""

_encoder: Final = msgspec.json.Encoder()
_decoder: Final = msgspec.json.Decoder(Result)


def encode_result(result: Result) -> bytes:
    return _encoder.encode(result)


def decode_result(value: bytes) -> Result:
    """Raises msgspec.DecodeError / ValidationError on foreign bytes."""
    return _decoder.decode(value)
