"""Every rule has its facts in the one table, and its name stands nowhere else."""

import re
from pathlib import Path

import pytest

from processors.frames.vision import CHECKS
from processors.judge.rules import RULES
from schemas.rules import FACTS, RuleFacts, Scope

ROOT = Path(__file__).resolve().parents[3]
NAMES = [row.name for row in FACTS.rows]
WRITTEN = {
    "schemas/rules.py": "the facts",
    "processors/judge/rules/": "each rule's own file, and its line in the table",
    "processors/judge/checkpoint_1.py": "what format 1 called them",
    "processors/frames/vision/": "each check's own file",
}
SEARCHED = ("schemas", "ingest", "processors", "alerts", "history", "console", "coldwatch")
AMBIGUOUS = {"clock", "refused"}
"""Also the code of a rejection and a word of the page: looked for where a rule is compared with."""


def naming(name: str) -> re.Pattern[str]:
    """Where a text names the rule: compares with it, has words or a case for it, or (unless ambiguous) quotes it."""
    forms = [
        rf"rule[\"'\s\w.()]*(===?|!==?| in|=)[\s(\[]*[\"'](\w+[\"'], *[\"'])*{name}[\"']",
        rf"[\"'`]rule\.{name}\b",
    ]
    if name not in AMBIGUOUS:
        forms += [rf"[\"'`]{name}[\"'`]", rf"(^|[{{,])\s*{name}: "]
    return re.compile("|".join(forms), re.MULTILINE)


def test_every_rule_has_its_facts_and_no_facts_are_left_over() -> None:
    assert sorted(NAMES) == sorted([*RULES, *(check.rule for check in CHECKS.values())])


@pytest.mark.parametrize(
    "row", [row for row in FACTS.rows if row.scope is not Scope.CAMERA], ids=lambda row: row.name
)
def test_a_rules_facts_have_its_scope(row: RuleFacts) -> None:
    assert RULES[row.name].scope == row.scope


@pytest.mark.parametrize("row", FACTS.rows, ids=lambda row: row.name)
def test_a_rules_words_are_there_in_both_languages(row: RuleFacts) -> None:
    for words in (row.words, row.to_do, *row.variants.values()):
        assert any("\u4e00" <= c <= "\u9fff" for c in words.zh)
        assert words.en
        assert not any("\u4e00" <= c <= "\u9fff" for c in words.en)
    assert row.to_do.zh.endswith("。")
    assert row.to_do.en.endswith(".")


@pytest.mark.parametrize("name", NAMES)
def test_a_rules_name_stands_in_its_own_file_and_in_the_facts_alone(name: str) -> None:
    pattern = naming(name)
    files = [
        file
        for folder in SEARCHED
        for file in (ROOT / folder).rglob("*")
        if file.suffix in {".py", ".sql", ".js", ".json"} and "vendor" not in file.parts
    ]
    found = {
        str(file.relative_to(ROOT)) for file in files if pattern.search(file.read_text(encoding="utf-8"))
    }
    assert {file for file in found if not file.startswith(tuple(WRITTEN))} == set()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('if (i.rule === "clock") {', True),
        ("where rule in ('excursion', 'clock')", True),
        ('rule = "clock"', True),
        ('code == "clock"', False),
    ],
)
def test_a_comparison_with_a_rule_is_seen(text: str, told: bool) -> None:
    assert bool(naming("clock").search(text)) is told


@pytest.mark.parametrize(
    "text", ['"rule.excursion": "x"', 'case "excursion":', "{ excursion: 1 }", "  excursion: red,"]
)
def test_words_cases_and_keys_of_a_rule_are_seen(text: str) -> None:
    assert naming("excursion").search(text)
