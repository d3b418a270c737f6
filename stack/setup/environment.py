"""The virtual environment of this checkout, `.venv`; made again when lock, projects, Python or path have changed."""

import hashlib
import sys
from pathlib import Path

from stack.caches import CHECKOUT
from stack.setup.building import locked
from stack.setup.lock import LOCK
from stack.setup.steps import run

VENV = CHECKOUT / ".venv"
STAMP = VENV / "installed"


def _wanted() -> str:
    projects = [CHECKOUT / "pyproject.toml", CHECKOUT / "stack" / "pyproject.toml", LOCK]
    parts = (*(path.read_text(encoding="utf-8") for path in projects), sys.version, str(CHECKOUT))
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def is_current() -> bool:
    return STAMP.exists() and STAMP.read_text() == _wanted() and (VENV / "bin" / "python").exists()


def install(log: Path) -> None:
    """Makes the environment and installs coldwatch with its development tools. Raises SetupFailed."""
    if is_current():
        return
    with locked(VENV / "lock"):
        if not is_current():
            _install(log)


def _install(log: Path) -> None:
    run(
        "Python 环境 · virtual environment",
        [sys.executable, "-m", "venv", str(VENV)],
        log,
        "请安装 python3-venv 后重试 / install python3-venv and try again",
    )
    pip = [str(VENV / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "install"]
    run(
        "Python 依赖 · Python packages",
        [*pip, "--progress-bar", "off", "--no-compile", "--require-hashes", "-r", str(LOCK)],
        log,
        "请检查网络与 pip 配置后重试 / check the network and pip's configuration, then try again",
    )
    run(
        "coldwatch",
        [*pip, "--no-deps", "--no-build-isolation", "-e", str(CHECKOUT), "-e", str(CHECKOUT / "stack")],
        log,
        "请查看日志 / see the log",
    )
    STAMP.write_text(_wanted())
