"""Running a stack in the foreground, in the background, ending it, and wiping its home directory."""

import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from coldwatch.wiring import saved_settings
from schemas.errors import Permanent
from schemas.settings import Settings
from stack import record
from stack.process import end, is_alive
from stack.setup.steps import last_lines
from stack.stack import Stack

Tell = Callable[[str], None]
START_LIMIT_S = 240.0
STOP_LIMIT_S = 90.0
OWNED = ("kafka", "postgres", "evidence", "logs", "run", "demo")
"""What coldwatch makes in its home directory; `reset` deletes these and nothing else."""


class StopAsked(BaseException):
    """SIGINT or SIGTERM has come: end what is being done, in order."""


@contextmanager
def stop_on_signals() -> Iterator[None]:
    """Inside, the first SIGINT or SIGTERM raises StopAsked; later ones are ignored, since stopping is under way."""

    def ask(number: int, frame: FrameType | None) -> None:
        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(each, signal.SIG_IGN)
        raise StopAsked

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def run_until_stopped(
    settings: Settings, names: tuple[str, ...], tell: Tell, on_ready: Callable[[], None]
) -> None:
    """Starts the stack and watches it until SIGINT or SIGTERM, then stops it. Raises Permanent when it cannot."""
    stack = Stack(settings, names, tell=tell)
    with stop_on_signals():
        try:
            stack.start()
            on_ready()
            threading.Event().wait()
        except StopAsked:
            tell("停止 · stopping")
        finally:
            stack.stop()


def start_detached(settings: Settings, no_services: bool, tell: Tell) -> None:
    """Starts `coldwatch up` in a session of its own; returns when it is ready. Raises Permanent with its log's end."""
    log = settings.home.absolute() / "logs" / "supervisor.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    command = [
        sys.executable,
        "-m",
        "coldwatch",
        "up",
        "--in-background",
        *(["--no-services"] if no_services else []),
    ]
    with log.open("wb") as output:
        child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
    tell(f"启动中，日志 · starting, log: {log}")
    path = saved_settings.run_directory(settings) / "record.json"
    deadline = time.monotonic() + START_LIMIT_S
    while child.poll() is None and time.monotonic() < deadline:
        found = record.read(path)
        if found and found.ready and found.supervisor.pid == child.pid:
            return
        rest(0.1)
    if child.poll() is None:
        child.terminate()
        child.wait()
    raise Permanent(f"未能启动 · it did not start:\n{last_lines(log)}")


def stop_running(settings: Settings, tell: Tell) -> None:
    """Ends the supervisor of this home directory, which ends everything else, and what a killed one has left.

    Returns when no process is left. Raises Permanent when one survives.
    """
    path = saved_settings.run_directory(settings) / "record.json"
    found = record.read(path)
    if found and is_alive(found.supervisor):
        tell("停止 · stopping")
        end(found.supervisor, signal.SIGTERM, STOP_LIMIT_S)
    record.end_orphans(path)
    left = [service.name for service in (found.services if found else []) if service.alive()]
    if left:
        raise Permanent(f"未能停止 · still running: {', '.join(left)}")
    tell("已停止 · stopped" if found else "没有运行中的服务 · nothing was running")


def reset(settings: Settings, tell: Tell) -> None:
    """Stops the stack and deletes what it keeps in its home directory; existing servers are not touched."""
    stop_running(settings, tell)
    home = settings.home.absolute()
    if not (home / "run" / "secrets.json").exists():
        return  # never a home of ours: a mistyped COLDWATCH_HOME must cost nothing
    for name in OWNED:
        if (home / name).is_dir():
            shutil.rmtree(home / name)
            tell(f"已删除 · deleted {home / name}")


def rest(seconds: float) -> None:
    time.sleep(seconds)
