"""The evidence store's promises, over the real directory and its twin in memory."""

import hashlib
from pathlib import Path

import pytest

from ingest.evidence import DirectoryEvidence, Evidence, MemoryEvidence


@pytest.fixture(params=["directory", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Evidence:
    return DirectoryEvidence(tmp_path / "evidence") if request.param == "directory" else MemoryEvidence()


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_what_was_put_is_got(store: Evidence) -> None:
    store.put(sha256(b"frame"), b"frame")
    assert store.get(sha256(b"frame")) == b"frame"


def test_putting_again_changes_nothing(store: Evidence) -> None:
    for _ in range(2):
        store.put(sha256(b"frame"), b"frame")
    assert store.get(sha256(b"frame")) == b"frame"


def test_what_was_never_put_is_none(store: Evidence) -> None:
    assert store.get(sha256(b"other")) is None


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "A" * 64, "0" * 63, "0" * 64 + "\n"])
def test_only_a_hash_is_a_name(store: Evidence, name: str) -> None:
    with pytest.raises(ValueError, match="not a SHA-256"):
        store.put(name, b"x")
    with pytest.raises(ValueError, match="not a SHA-256"):
        store.get(name)


def test_files_lie_under_the_first_bytes_of_their_hash(tmp_path: Path) -> None:
    name = sha256(b"frame")
    DirectoryEvidence(tmp_path).put(name, b"frame")
    assert [path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file()] == [
        Path(name[:2]) / name[2:4] / name
    ]


def test_a_disk_that_takes_nothing_is_said_and_leaves_nothing_behind(tmp_path: Path) -> None:
    name = sha256(b"frame")
    (tmp_path / name[:2]).write_text("a file where the folder should be")
    with pytest.raises((NotADirectoryError, FileExistsError)):
        DirectoryEvidence(tmp_path).put(name, b"frame")
    assert DirectoryEvidence(tmp_path / "elsewhere").get(name) is None
