"""The private root file system: Debian 13 packages of PostgreSQL, TimescaleDB and mosquitto, from apt's own mirror."""

import os
import shlex
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stack import caches, rootfs
from stack.setup import packages
from stack.setup.building import build_once
from stack.setup.steps import SetupFailed, as_root, run

LEFT_OUT = ("doc", "man", "info", "locale")
INHERITED = ("Acquire::http", "Acquire::https", "Acquire::Check-", "Acquire::Retries", "Acquire::ForceIPv")


def install(cache: Path, log: Path) -> None:
    """Builds the root file system unless it is there. Raises SetupFailed."""

    def build(directory: Path) -> None:
        root = directory / "root"
        root.mkdir()
        with _apt_options_file() as options:
            run(
                "PostgreSQL, TimescaleDB, mosquitto",
                ["bash", "-o", "pipefail", "-c", _pipeline(_mirror(log), options, root)],
                log,
                "无法从 Debian 镜像构建根文件系统：请检查网络，或用 COLDWATCH_DEBIAN_MIRROR 指定镜像 / cannot build "
                "the root file system: check the network, or set COLDWATCH_DEBIAN_MIRROR to a Debian mirror's address",
            )
        check(root)

    build_once(caches.rootfs(cache).parent, build)


@contextmanager
def _apt_options_file() -> Iterator[Path]:
    """A file with this machine's way to the mirror. An ordinary user's mmdebstrap reads it as another user, and
    such a user sees nothing in apt's configuration that is not everybody's to see; root's is kept to root."""
    descriptor, name = tempfile.mkstemp(prefix="coldwatch-apt-")
    try:
        os.fchmod(descriptor, 0o600 if os.geteuid() == 0 else 0o644)
        with os.fdopen(descriptor, "w") as file:
            file.write(apt_options(_output("apt-config", "dump")))
        yield Path(name)
    finally:
        os.unlink(name)


def _pipeline(mirror: str, options: Path, root: Path) -> str:
    """mmdebstrap writes an archive, which we unpack as ourselves: every file is ours, whoever built it."""
    prefix = as_root()
    build = [
        *(prefix or []),
        "mmdebstrap",
        f"--mode={'unshare' if prefix is None else 'root'}",
        "--variant=apt",
        f"--include={','.join(caches.ROOTFS_PACKAGES)}",
        f"--aptopt={options}",
        *(f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in LEFT_OUT),
        *(caches.SUITE, "-", mirror),
    ]
    left_out = ("./dev/*", "./etc/apt/*", "./var/cache/*", "./var/lib/apt/*")
    unpack = ["tar", "-x", "-C", str(root), "--no-same-owner", *(f"--exclude={path}" for path in left_out)]
    return f"{shlex.join(build)} | {shlex.join(unpack)}"


def check(root: Path) -> None:
    """Runs a program out of it. Raises SetupFailed when bubblewrap cannot, as where user namespaces are off."""
    command = rootfs.command(
        root, "postgres", root.parent, ["/usr/lib/postgresql/17/bin/postgres", "--version"]
    )
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SetupFailed(
            f"{done.stderr.strip()}\nbubblewrap 无法运行：请以 root 执行 sysctl kernel.unprivileged_userns_clone=1 / "
            "bubblewrap cannot make a user namespace: as root, run sysctl kernel.unprivileged_userns_clone=1"
        )


def apt_options(dump: str) -> str:
    """Of `apt-config dump`: how this machine reaches its mirror, proxies included."""
    return "".join(f"{line}\n" for line in dump.splitlines() if line.startswith(INHERITED))


def _mirror(log: Path) -> str:
    """The Debian mirror that the system's own apt uses. Raises SetupFailed when it uses none."""
    chosen = os.environ.get("COLDWATCH_DEBIAN_MIRROR") or find_mirror(_index_targets())
    if not chosen:
        packages.refresh(log)  # a fresh image has sources, and no lists that tell whose they are
        chosen = find_mirror(_index_targets())
    if not chosen:
        raise SetupFailed(
            "apt 源中没有 Debian 镜像：请用 COLDWATCH_DEBIAN_MIRROR 指定 / "
            "apt's sources name no Debian mirror: set COLDWATCH_DEBIAN_MIRROR to one"
        )
    return chosen


def _index_targets() -> str:
    fields = "$(REPO_URI)|$(ORIGIN)|$(LABEL)|$(CODENAME)"
    return _output("apt-get", "indextargets", "--format", fields, "Created-By: Packages")


def find_mirror(index_targets: str) -> str:
    """The address of Debian's main archive among `URI|origin|label|codename` lines; empty when there is none."""
    for line in index_targets.splitlines():
        uri, origin, label, codename = line.split("|")
        if (origin, label) == ("Debian", "Debian") and "-" not in codename:
            return _first_of(uri)
    return ""


def _first_of(uri: str) -> str:
    """The address itself, or the first one of the file that a `mirror+file:` address names."""
    if not uri.startswith("mirror+file:"):
        return uri
    path = Path("/" + uri.removeprefix("mirror+file:").strip("/"))
    lines = (line.partition("#")[0].split() for line in path.read_text().splitlines())
    return next((words[0] for words in lines if words), "")


def _output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout
