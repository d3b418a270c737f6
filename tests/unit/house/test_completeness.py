"""One kind, codec, rule, camera check or channel: one file, one line in its table, cases, a row in the docs."""

from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
TABLES = [
    ("ingest.kinds", "KINDS", "kinds", "docs/devices.md"),
    ("ingest.codecs", "CODECS", "codecs", "docs/devices.md"),
    ("processors.judge.rules", "RULES", "rules", "docs/architecture.md"),
    ("processors.frames.vision", "CHECKS", "vision", "docs/architecture.md"),
    ("alerts.channels", "CHANNELS", "channels", "docs/architecture.md"),
]
NOT_MEMBERS = {"vision": {"decode", "image"}}
"""Files beside the table that are no member of it: what the checks share."""


def names_of(module: str, table: str) -> set[str]:
    return set(getattr(import_module(module), table))


@pytest.mark.parametrize(("module", "table", "cases", "document"), TABLES)
def test_every_line_has_its_file_and_every_file_its_line(
    module: str, table: str, cases: str, document: str
) -> None:
    folder = ROOT / module.replace(".", "/")
    files = {f.stem for f in folder.glob("*.py") if not f.stem.startswith("_")} - NOT_MEMBERS.get(
        cases, set()
    )
    assert files == names_of(module, table)


@pytest.mark.parametrize(("module", "table", "cases", "document"), TABLES)
def test_every_line_has_cases(module: str, table: str, cases: str, document: str) -> None:
    missing = {
        n for n in names_of(module, table) if not any((ROOT / "tests" / "cases" / cases / n).glob("*"))
    }
    assert not missing, f"no cases in tests/cases/{cases}/ for {missing}"


@pytest.mark.parametrize(("module", "table", "cases", "document"), TABLES)
def test_every_line_is_in_the_docs(module: str, table: str, cases: str, document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    assert not {name for name in names_of(module, table) if f"`{name}`" not in text}
