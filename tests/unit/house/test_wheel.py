"""What the product's wheel holds: its own rooms, and nothing that stands beside it."""

import tomllib
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
PRODUCT = {"schemas", "ingest", "processors", "alerts", "history", "console", "coldwatch"}


def test_the_wheel_takes_the_product_alone() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    patterns = project["tool"]["setuptools"]["packages"]["find"]["include"]
    taken = {
        folder.name for folder in ROOT.iterdir()
        if folder.is_dir() and any(fnmatch(folder.name, pattern) for pattern in patterns)
    }  # fmt: skip
    assert taken == PRODUCT


def test_images_are_looked_at_by_an_extra_alone() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = " ".join(project["dependencies"])
    assert "opencv" not in named
    assert "numpy" not in named
    assert any("opencv" in one for one in project["optional-dependencies"]["frames"])
