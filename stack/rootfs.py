"""Runs a program out of the private root file system, without root rights and without touching the system's own.

bubblewrap gives the program a user namespace in which our own user appears as the program's, so PostgreSQL does
not see root and its files belong to us. Network and process ids are the host's.
"""

from pathlib import Path

INSIDE = "/mnt"
"""Where the program finds its data directory; it must exist in the root file system, which is mounted read-only."""


def command(rootfs: Path, user: str, directory: Path, program: list[str]) -> list[str]:
    """The argument vector that runs `program` as `user` of the root file system, with `directory` at `INSIDE`."""
    uid, gid = _ids(rootfs, user)
    return [
        "bwrap",
        "--unshare-user",
        *("--uid", uid, "--gid", gid),
        *("--ro-bind", str(rootfs), "/"),
        *("--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp", "--tmpfs", "/run"),
        *("--bind", str(directory), INSIDE),
        *("--chdir", "/"),
        *program,
    ]


def _ids(rootfs: Path, user: str) -> tuple[str, str]:
    for line in (rootfs / "etc" / "passwd").read_text().splitlines():
        name, _, uid, gid, *_ = line.split(":")
        if name == user:
            return uid, gid
    raise LookupError(f"no user {user} in {rootfs}: run `make setup` again")
