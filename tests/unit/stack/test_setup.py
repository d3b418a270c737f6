"""The setup's pure parts: what apt says, what the lists mean, what the cache promises."""

import subprocess
import sys
from pathlib import Path

import pytest

from stack import caches, doctor
from stack.kafka import Kafka
from stack.setup import packages, root_file_system, steps
from stack.setup.building import build_once
from stack.setup.steps import SetupFailed

TARGETS = """\
http://mirror.example/debian-security/|Debian|Debian-Security|bookworm-security
http://packages.example/apt/|Somebody|Somebody|bookworm
http://mirror.example/debian/|Debian|Debian|bookworm-updates
http://mirror.example/debian/|Debian|Debian|bookworm
"""


def test_the_mirror_is_the_main_archive_that_apt_uses() -> None:
    assert root_file_system.find_mirror(TARGETS) == "http://mirror.example/debian/"


def test_there_is_no_mirror_before_apt_has_lists() -> None:
    assert root_file_system.find_mirror("http://m.example/debian/|$(ORIGIN)|$(LABEL)|$(CODENAME)\n") == ""
    assert root_file_system.find_mirror("") == ""


def test_a_mirror_list_in_a_file_is_followed(tmp_path: Path) -> None:
    listed = tmp_path / "debian.list"
    listed.write_text("# ours\n\nhttps://mirror.example/debian  priority:1\nhttps://other.example/debian\n")
    target = f"mirror+file:{listed}/|Debian|Debian|trixie\n"
    assert root_file_system.find_mirror(target) == "https://mirror.example/debian"


def test_the_way_to_the_mirror_is_inherited_and_nothing_else() -> None:
    dump = (
        'APT::Architecture "amd64";\nAcquire "";\nAcquire::http "";\n'
        'Acquire::http::Proxy "http://proxy.example:3128";\nAcquire::Check-Valid-Until "false";\n'
        'Acquire::Languages "none";\nDir::Etc "etc/apt";\n'
    )
    assert root_file_system.apt_options(dump).splitlines() == [
        'Acquire::http "";',
        'Acquire::http::Proxy "http://proxy.example:3128";',
        'Acquire::Check-Valid-Until "false";',
    ]


def test_every_package_in_the_list_has_a_reason() -> None:
    lines = packages.LIST.read_text(encoding="utf-8").splitlines()
    entries = [line for line in lines if line and not line.startswith("#")]
    assert entries
    assert all(line.partition("#")[2].strip() for line in entries)
    assert packages.wanted() == [line.split()[0] for line in entries]


def test_packages_that_are_not_installed_are_missing() -> None:
    assert packages.missing(["dpkg", "no-such-package-at-all"]) == ["no-such-package-at-all"]


def test_a_directory_appears_in_the_cache_whole(tmp_path: Path) -> None:
    target = tmp_path / "jars"

    def build(directory: Path) -> None:
        assert not target.exists()
        (directory / "a.jar").touch()

    assert build_once(target, build)
    assert [path.name for path in target.iterdir()] == ["a.jar"]
    assert not build_once(target, build)


def test_a_build_that_fails_leaves_nothing_in_its_place_and_can_be_repeated(tmp_path: Path) -> None:
    target = tmp_path / "jars"

    def fail(directory: Path) -> None:
        (directory / "half.jar").touch()
        raise SetupFailed("no network")

    with pytest.raises(SetupFailed):
        build_once(target, fail)
    assert not target.exists()
    assert build_once(target, lambda directory: (directory / "a.jar").touch())
    assert [path.name for path in target.iterdir()] == ["a.jar"]
    assert not list(tmp_path.glob(".*building*"))


def test_a_broker_starts_from_the_archive_of_its_classes_once_there_is_one(tmp_path: Path) -> None:
    jars = tmp_path / "kafka-1"
    jars.mkdir()
    for name in ("b.jar", "a.jar"):
        (jars / name).touch()
    broker = Kafka(jars, tmp_path / "data", 1, 2)
    assert "SharedArchiveFile" not in " ".join(broker.command())
    archive = caches.kafka_classes(jars)
    archive.touch()
    assert f"-XX:SharedArchiveFile={archive}" in broker.command()
    assert f"{jars}/a.jar:{jars}/b.jar" in broker.command()  # the order that the archive was made with


def test_a_failed_step_shows_the_end_of_its_output_and_the_remedy(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "print('it broke here'); raise SystemExit(2)"]
    with pytest.raises(SetupFailed, match=r"(?s)it broke here.*try again"):
        steps.run("step", command, tmp_path / "step.log", "try again")


def test_the_cache_is_keyed_by_what_is_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = caches.rootfs(tmp_path)
    monkeypatch.setattr(caches, "ROOTFS_PACKAGES", (*caches.ROOTFS_PACKAGES, "another"))
    assert caches.rootfs(tmp_path) != before


def test_setup_runs_on_the_standard_library_alone() -> None:
    code = "import sys; import stack.setup.__main__; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-S", "-c", code], cwd=caches.CHECKOUT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "stack.setup.packages" in done.stdout.split()


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ('openjdk version "17.0.15" 2025-04-15', 17),
        ('openjdk version "21" 2023-09-19', 21),
        ('java version "1.8.0_292"', 1),
        ("", 0),
    ],
)
def test_the_java_version_is_read(text: str, version: int) -> None:
    assert doctor.java_version(text) == version
