"""What the page ships of others is what its authors published, and everything the page loads is there."""

import hashlib
import re
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parents[3] / "console" / "page"
VENDOR = PAGE / "vendor"
REPLACED = {
    'from"./preact.js"': 'from"preact"',
    'from"./hooks.js"': 'from"preact/hooks"',
    'from"./signals-core.js"': 'from"@preact/signals-core"',
}
ENTRY = re.compile(
    r"^file (?P<file>\S+)\n"
    r"  package    (?P<package>\S+) (?P<version>\S+)\n"
    r"  licence    (?P<licence>\S+) \((?P<text>\S+)\)\n"
    r"  published as (?P<path>\S+)\n"
    r"  sha256     (?P<here>[0-9a-f]{64})\n"
    r"  published  (?P<published>[0-9a-f]{64})$",
    re.MULTILINE,
)
IMPORT = re.compile(r"""(?:^|;)(?:import|export)\b[^;"]*?from\s*"([^"]+)\"""", re.MULTILINE)
ENTRIES = [
    match.groupdict() for match in ENTRY.finditer((VENDOR / "THIRD_PARTY").read_text(encoding="utf-8"))
]
OWN_MODULES = sorted((PAGE / "app").rglob("*.js"))


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry["file"])
def test_a_vendored_file_is_the_published_one_but_for_its_imports(entry: dict[str, str]) -> None:
    text = (VENDOR / entry["file"]).read_text(encoding="utf-8")
    assert hashlib.sha256(text.encode()).hexdigest() == entry["here"]
    for here, published in REPLACED.items():
        text = text.replace(here, published)
    assert hashlib.sha256(text.encode()).hexdigest() == entry["published"]
    assert (VENDOR / entry["text"]).is_file()


def test_every_vendored_file_is_listed() -> None:
    listed = {entry["file"] for entry in ENTRIES} | {entry["text"] for entry in ENTRIES} | {"THIRD_PARTY"}
    assert {path.name for path in VENDOR.iterdir()} == listed


@pytest.mark.parametrize("module", [*OWN_MODULES, *sorted(VENDOR.glob("*.js"))], ids=lambda path: path.name)
def test_every_import_is_a_relative_path_to_a_file(module: Path) -> None:
    """A bare import would need an import map, which the page's Content-Security-Policy forbids."""
    for target in IMPORT.findall(module.read_text(encoding="utf-8")):
        assert target.startswith("."), target
        assert (module.parent / target).resolve().is_file(), target


def test_the_page_loads_only_its_own_files_and_has_nothing_inline() -> None:
    html = (PAGE / "index.html").read_text(encoding="utf-8")
    for target in re.findall(r'(?:src|href)="([^"]+)"', html):
        assert (PAGE / target.removeprefix("static/")).is_file(), target
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", html)


@pytest.mark.parametrize("module", OWN_MODULES, ids=lambda path: path.name)
def test_a_module_of_ours_fits_on_few_screens_and_says_why_it_exists(module: Path) -> None:
    lines = module.read_text(encoding="utf-8").splitlines()
    assert len(lines) < 250
    assert lines[0].startswith("// ")
