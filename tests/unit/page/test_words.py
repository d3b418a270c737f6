"""The page's two catalogues: the same keys, every key used, every key that is used there, every closed set complete."""

import json
import re
from pathlib import Path

import pytest

from ingest.kinds import KINDS
from processors.frames.vision import CHECKS
from schemas.finding import Severity
from schemas.incident import IncidentState, Transition
from schemas.registry import ASSET_KINDS, ENTERPRISE_KINDS
from schemas.rejection import REASONS, Disposition
from schemas.result import Verdict

PAGE = Path(__file__).resolve().parents[3] / "console" / "page"
SOURCES = {path: path.read_text(encoding="utf-8") for path in sorted((PAGE / "app").rglob("*.js"))}
CODE = "\n".join(SOURCES.values())


def catalogue(language: str) -> dict[str, str]:
    path = PAGE / "i18n" / f"{language}.json"
    pairs = json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=list)
    keys = [key for key, _ in pairs]
    assert len(keys) == len(set(keys)), "a key is there twice"
    return dict(pairs)


ZH, EN = catalogue("zh-CN"), catalogue("en")


def used_keys() -> set[str]:
    """Keys written out in the code, in calls of t() and anywhere else (tables of keys)."""
    return {key for key in re.findall(r'"([a-z_0-9]+\.[A-Za-z_0-9.?/]+)"', CODE) if not key.endswith(".js")}


def used_families() -> set[str]:
    """`t(`family.${member}`)` and `word("family", member)`."""
    return set(re.findall(r"`([a-z_]+(?:\.[a-z_]+)*)[._]\$\{", CODE)) | set(
        re.findall(r'word\("([a-z_]+)"', CODE)
    )


def test_both_catalogues_have_the_same_keys() -> None:
    assert set(ZH) == set(EN)
    assert all(text.strip() for text in [*ZH.values(), *EN.values()])


def test_both_texts_of_a_key_take_the_same_parameters() -> None:
    parameters = re.compile(r"\{(\w+)\}")
    assert [key for key in ZH if set(parameters.findall(ZH[key])) != set(parameters.findall(EN[key]))] == []


def test_every_key_is_used() -> None:
    families = used_families()
    unused = [
        k for k in ZH if k not in used_keys() and not any(k.startswith((f + ".", f + "_")) for f in families)
    ]
    assert unused == []


def test_every_key_that_is_used_is_there() -> None:
    called = set(re.findall(r'\bt\("([^"]+)"', CODE))
    assert called - set(ZH) == set()
    families = {
        family
        for family in used_families()
        if not any(k.startswith((family + ".", family + "_")) for k in ZH)
    }
    assert families == set()


@pytest.mark.parametrize(
    ("family", "members"),
    [
        ("kind", set(KINDS)),
        ("enterprise_kind", set(ENTERPRISE_KINDS)),
        ("asset_kind", set(ASSET_KINDS)),
        ("fault", set(CHECKS)),
        ("level", {str(int(level)) for level in Severity}),
        ("incident_state", {str(state) for state in IncidentState}),
        ("transition", {str(transition) for transition in Transition}),
        ("verdict", {str(verdict) for verdict in Verdict}),
        ("disposition", {str(disposition) for disposition in Disposition}),
        ("code", set(REASONS)),
        ("state", {"in_range", "breach", "unknown", "suppressed", "none"}),
        ("role", {"operator", "enterprise", "regulator", "admin"}),
    ],
)
def test_every_word_the_server_can_say_has_its_text(family: str, members: set[str]) -> None:
    assert members
    assert {member for member in members if f"{family}.{member}" not in ZH} == set()


def test_chinese_sentences_use_chinese_punctuation() -> None:
    narrow = re.compile(r"[一-鿿][,:;?!()]|[,:;?!()][一-鿿]")
    assert {key: text for key, text in ZH.items() if narrow.search(text)} == {}
