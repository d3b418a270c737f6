"""tests/cases/codecs/<codec>/<case>.in with what it decodes to in <case>.json: a bug report becomes a pair of files."""

import json
from pathlib import Path

import msgspec
import pytest

from ingest.codecs import CODECS
from schemas.rejection import Rejection

FOLDER = Path(__file__).resolve().parents[2] / "cases" / "codecs"
CASES = sorted(FOLDER.glob("*/*.in"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}/{case.stem}")
def test_a_payload_decodes_to_what_the_case_says(case: Path) -> None:
    decoded = msgspec.to_builtins(CODECS[case.parent.name].decode(case.read_bytes(), 0))
    if isinstance(decoded, dict):
        decoded.pop("raw", None)
    assert decoded == json.loads(case.with_suffix(".json").read_text(encoding="utf-8"))


def test_every_expectation_has_its_payload() -> None:
    assert {case.with_suffix(".json") for case in CASES} == set(FOLDER.glob("*/*.json"))


NAMED = {
    "a BOM": (b'\xef\xbb\xbf{"at": 1}', ("第 0 字节是 BOM", "byte 0 begins a BOM")),
    "UTF-16 with a mark": ('{"at": 1}'.encode("utf-16"), ("UTF-16", "send UTF-8")),
    "UTF-16 without one": ('{"at": 1}'.encode("utf-16-be"), ("UTF-16", "send UTF-8")),
    "GBK": ('{"at": 1, "boot": "冷库"}'.encode("gbk"), ("第 19 字节（0xC0）", "looks like GBK")),
    "a broken byte": (
        b'{"at": 1, "b": "\xff\xff\xff"}',
        ("第 16 字节（0xFF）不是 UTF-8", "byte 16 (0xFF) is no UTF-8"),
    ),
    "NUL": (b'{"at": 1}\0', ("第 9 字节是 NUL", "byte 9 is NUL")),
    "curly quotes": ("{“at”: 1}".encode(), ("第 1 字节是弯引号", "byte 1 is a curly quotation mark")),
    "curly quotes behind Chinese": ('{"温度": “4”}'.encode(), ("第 11 字节是弯引号", "byte 11 is a curly")),
    "apostrophes": (b"{'at': 1}", ("第 1 字节是单引号", "JSON has quotation marks")),
    "a full-width comma": ('{"at": 1，"values": {}}'.encode(), ("第 8 字节是全角逗号", "full-width comma")),
    "a full-width colon": ('{"at"：1}'.encode(), ("第 5 字节是全角冒号", "full-width colon")),
    "something else": (b'{"at": 1 2}', ("▶", "▶")),
}


LENIENT = {"GBK", "a broken byte"}
"""Telemetry lets broken text through where it keeps none of it."""


@pytest.mark.parametrize(
    ("codec", "name"),
    [(c, n) for n in NAMED for c in ("native", "result") if c == "result" or n not in LENIENT],
)
def test_what_breaks_the_json_is_named_with_its_byte(codec: str, name: str) -> None:
    payload, (zh, en) = NAMED[name]
    refusal = CODECS[codec].decode(payload, 0)
    assert refusal.code == "bad_json"
    said = Rejection(code="bad_json", detail=refusal.detail)
    assert zh in said.sentence("zh")
    assert en in said.sentence("en")
    assert name == "something else" or en not in said.sentence("zh")
