"""The Debian packages of `deploy/packages.txt`: which are missing, and their installation."""

import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from stack.caches import CHECKOUT
from stack.setup.steps import SetupFailed, as_root, run

LIST = CHECKOUT / "deploy" / "packages.txt"


def wanted() -> list[str]:
    """The names in the list, without the reasons."""
    lines = (line.partition("#")[0].strip() for line in LIST.read_text(encoding="utf-8").splitlines())
    return [line for line in lines if line]


def missing(names: Iterable[str]) -> list[str]:
    """Those that are not installed, in the same order. Raises SetupFailed on a machine without dpkg."""
    if shutil.which("dpkg-query") is None:
        raise SetupFailed(
            "本机不是 Debian：请在 Debian 12 或 13 上运行，或自行安装 deploy/packages.txt 所列软件 / "
            "no dpkg here: run on Debian 12 or 13"
        )
    listing = subprocess.run(
        ["dpkg-query", "-W", "-f", "${db:Status-Status} ${Package}\n"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    installed = {
        name
        for status, _, name in (line.partition(" ") for line in listing.splitlines())
        if status == "installed"
    }
    return [name for name in names if name not in installed]


def install(log: Path) -> None:
    """Installs what is missing. Raises SetupFailed with the command to run by hand when it cannot."""
    names = missing(wanted())
    if not names:
        return
    prefix, by_hand = as_root(), f"apt-get install {' '.join(names)}"
    if prefix is None:
        raise SetupFailed(
            f"缺少软件包且没有 root 或 sudo：请以 root 执行 {by_hand} / "
            f"packages are missing and there is neither root nor sudo: as root, run {by_hand}"
        )
    refresh(log)
    apt = [*prefix, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-y", "-o", "DPkg::Lock::Timeout=300"]
    run(
        f"Debian: {' '.join(names)}",
        [*apt, "install", "--no-install-recommends", *names],
        log,
        f"请检查网络与 apt 源后手动执行 / check the network and apt's sources, then run as root: {by_hand}",
    )


def refresh(log: Path) -> None:
    """`apt-get update`, so that the lists name what the mirror still has."""
    run(
        "apt-get update",
        [*(as_root() or []), "apt-get", "-o", "DPkg::Lock::Timeout=300", "update"],
        log,
        "请检查网络与 apt 源 / check the network and apt's sources",
    )
