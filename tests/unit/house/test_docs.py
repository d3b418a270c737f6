"""The docs are tested: every setting and every topic has its row, every decision its number."""

import re
from pathlib import Path

from coldwatch.cli.settings import markdown_rows
from schemas.topics import TOPICS

ROOT = Path(__file__).resolve().parents[3]


def test_every_setting_is_documented_with_its_default() -> None:
    documented = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8").splitlines()
    missing = [row for row in markdown_rows() if row not in documented]
    assert not missing, "run `coldwatch settings --markdown` and put its table into docs/settings.md"


def test_no_setting_is_documented_that_does_not_exist() -> None:
    table = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8").split("\n## ")[0]
    documented = table.splitlines()
    assert {line for line in documented if line.startswith("| `COLDWATCH_")} <= set(markdown_rows())


def test_every_topic_is_documented() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    assert not [topic.name for topic in TOPICS if f"`{topic.name}`" not in text]


def test_decisions_are_numbered_without_holes() -> None:
    numbers = sorted(int(p.name[:4]) for p in (ROOT / "docs" / "decisions").glob("[0-9]*.md"))
    assert numbers == list(range(1, len(numbers) + 1))


def test_links_between_documents_lead_somewhere() -> None:
    broken = []
    for page in [ROOT / "README.md", ROOT / "README.zh-CN.md", *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
            if not (page.parent / target).exists():
                broken.append(f"{page.relative_to(ROOT)}: {target}")
    assert not broken
