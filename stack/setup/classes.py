"""The archive of Kafka's classes: a broker starts without it too, only slower, so that its absence fails nothing."""

from pathlib import Path

from stack import caches
from stack.setup.building import locked
from stack.setup.environment import VENV
from stack.setup.steps import SetupFailed, run, say


def is_current(cache: Path) -> bool:
    return caches.kafka_classes(caches.kafka_jars(cache)).exists()


def install(cache: Path, log: Path) -> None:
    """Makes the archive with the environment's Python unless it is there; says so when Java will not."""
    if is_current(cache):
        return
    with locked(cache / ".classes.lock"):
        if not is_current(cache):
            try:
                run(
                    "Kafka 类归档 · archive of Kafka's classes",
                    [str(VENV / "bin" / "python"), "-m", "stack.kafka_classes"],
                    log,
                    "没有它 Kafka 启动较慢，其余照常 / without it Kafka starts slower and all else is as ever",
                )
            except SetupFailed as error:
                say(str(error))
