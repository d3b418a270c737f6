"""Installs everything that coldwatch needs on this machine; the second time it only looks and says nothing."""

import sys

from stack import caches
from stack.setup import classes, environment, jars, packages, root_file_system
from stack.setup.steps import SetupFailed, say


def main() -> int:
    """Runs the steps in order; 0 when all is there, 1 with one sentence of remedy when something cannot be had."""
    cache = caches.default_directory()
    logs = cache / "logs"
    if not is_complete():
        say(f"安装 coldwatch 所需（缓存于 {cache}）· installing what coldwatch needs (cached in {cache})")
    try:
        packages.install(logs / "debian.log")
        jars.install(cache, logs / "kafka.log")
        root_file_system.install(cache, logs / "rootfs.log")
        environment.install(logs / "python.log")
        classes.install(cache, logs / "classes.log")
    except SetupFailed as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    return 0


def is_complete() -> bool:
    cache = caches.default_directory()
    present = caches.kafka_jars(cache).is_dir() and caches.rootfs(cache).is_dir()
    return present and environment.is_current() and classes.is_current(cache)


if __name__ == "__main__":
    sys.exit(main())
