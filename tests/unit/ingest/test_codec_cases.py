"""tests/cases/codecs/<codec>/<case>.in with what it decodes to in <case>.json: a bug report becomes a pair of files."""

import json
from pathlib import Path

import msgspec
import pytest

from ingest.codecs import CODECS

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
