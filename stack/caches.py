"""Where the downloads lie, outside of any checkout: keyed by what they are made of, so that versions live side by side.

Imports nothing outside of the standard library: `make setup` uses it before there is an environment.
"""

import hashlib
import os
import shutil
from pathlib import Path

from schemas.errors import Permanent

CHECKOUT = Path(__file__).resolve().parents[1]
POM = CHECKOUT / "deploy" / "kafka" / "pom.xml"

SUITE = "trixie"
ROOTFS_PACKAGES = ("postgresql-17", "postgresql-17-timescaledb", "mosquitto")
ROOTFS_RECIPE = "2"
"""Raised when the way the root file system is built changes."""


def default_directory() -> Path:
    return Path(os.environ.get("COLDWATCH_CACHE") or "~/.cache/coldwatch").expanduser().absolute()


def kafka_jars(cache: Path) -> Path:
    """Directory of Kafka's jars, whether it is there or not."""
    return cache / f"kafka-{_key(POM.read_bytes())}"


def kafka_classes(jars: Path) -> Path:
    """The archive of Kafka's loaded classes beside its jars: it starts in half the time. Of one Java alone."""
    java = Path(shutil.which("java") or "java").resolve()
    release = java.parents[1] / "release"
    version = release.read_bytes() if release.is_file() else str(java).encode()
    return jars.with_name(f"{jars.name}-classes-{_key(version)}.jsa")


def rootfs(cache: Path) -> Path:
    """Root file system with PostgreSQL, TimescaleDB and mosquitto, whether it is there or not."""
    recipe = " ".join((ROOTFS_RECIPE, SUITE, *ROOTFS_PACKAGES))
    return cache / f"rootfs-{SUITE}-{_key(recipe.encode())}" / "root"


def _key(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:12]


def present(directory: Path) -> Path:
    """The directory itself. Raises Permanent with the remedy when setup has not made it."""
    if not directory.is_dir():
        raise Permanent(f"缺少 {directory}：请先执行 make setup / {directory} is missing: run `make setup`")
    return directory
