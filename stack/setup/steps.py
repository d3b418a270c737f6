"""Running one step of the setup: says what it does and for how long, keeps the output, explains a failure."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

REPEAT_S = 10.0  # a line for logs that nobody watches live


class SetupFailed(Exception):
    """What could not be installed and what to do about it, one sentence in Chinese and one in English."""


def say(text: str) -> None:
    print(text, flush=True)


def run(
    title: str,
    command: Sequence[str],
    log: Path,
    remedy: str,
    environment: Mapping[str, str] | None = None,
) -> None:
    """Runs a command with its output in `log` while telling the time. Raises SetupFailed with `remedy`."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(environment or {})},
        )
        try:
            _tell_time(title, child)
        except BaseException:
            child.terminate()
            child.wait()
            raise
    if child.returncode:
        raise SetupFailed(f"{last_lines(log)}\n{title}: {remedy}\n  ({log})")


def _tell_time(title: str, child: "subprocess.Popen[bytes]") -> None:
    """Waits for the child: one line that counts on a terminal, else a line every ten seconds."""
    live = sys.stdout.isatty()
    started = told = time.monotonic()
    if not live:
        say(f"  {title} ...")
    while True:
        try:
            child.wait(0.5)
            break
        except subprocess.TimeoutExpired:
            now = time.monotonic()
            if live:
                print(f"\r  {title} ... {now - started:.0f} s", end="", flush=True)
            elif now - told >= REPEAT_S:
                told = now
                say(f"  {title} ... {now - started:.0f} s")
    say(f"{chr(13) if live else ''}  {title}: {time.monotonic() - started:.0f} s")


def last_lines(log: Path, count: int = 15) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-count:])


def as_root() -> list[str] | None:
    """What to put before a command that needs root: nothing for root, sudo, or None when there is no way."""
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo") is None:
        return None
    proxies = [name for name in ("http_proxy", "https_proxy", "no_proxy") if name in os.environ]
    return ["sudo", *([f"--preserve-env={','.join(proxies)}"] if proxies else [])]
