"""Files that are whole or absent, whatever interrupts the writing."""

import os
from pathlib import Path

import pytest

from coldwatch.wiring.files import write_atomically


def test_a_file_is_replaced_whole_with_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "run" / "file"
    write_atomically(path, b"one", mode=0o600)
    write_atomically(path, b"two", mode=0o600)
    assert path.read_bytes() == b"two"
    assert path.stat().st_mode & 0o777 == 0o600
    assert os.listdir(path.parent) == ["file"]


@pytest.mark.parametrize("renamed", [False, True], ids=["before the renaming", "after it"])
def test_an_interruption_is_passed_on_and_leaves_no_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, renamed: bool
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    replace = os.replace

    def interrupted(source: str, target: Path) -> None:
        if renamed:
            replace(source, target)
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_atomically(path, b"new")
    assert path.read_bytes() == (b"new" if renamed else b"old")
    assert os.listdir(tmp_path) == ["file"]
