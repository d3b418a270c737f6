"""Archives the classes that a broker loads (Java's class data sharing): each later start takes half the CPU.

python -m stack.kafka_classes
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from schemas.errors import Permanent
from stack import caches
from stack.kafka import Kafka
from stack.ports import Ports
from stack.program import Health

LIMIT_S = 120.0


def archive(jars: Path, target: Path) -> None:
    """Runs one broker until it answers, and lets Java write what it loaded to `target`. Raises Permanent."""
    with tempfile.TemporaryDirectory(dir=target.parent) as made:
        home = Path(made)
        ports = Ports(home / "ports.json")
        broker = Kafka(jars, home / "kafka", ports.choose("kafka"), ports.choose("controller"))
        broker.prepare()
        written = home / target.name
        java, *arguments = broker.command()
        command = [java, f"-XX:ArchiveClassesAtExit={written}", *arguments]
        with subprocess.Popen(command, env=broker.environment()) as process:
            try:
                _wait_until_ready(broker, process)
            finally:
                process.terminate()
        if not written.exists():
            raise Permanent("Java 未写出类归档 / Java wrote no archive of classes")
        os.replace(written, target)


def _wait_until_ready(broker: Kafka, process: "subprocess.Popen[bytes]") -> None:
    end = time.monotonic() + LIMIT_S
    while broker.probe() is not Health.READY:
        if process.poll() is not None or time.monotonic() > end:
            raise Permanent("Kafka 未能启动 / Kafka did not start")
        time.sleep(0.1)


def main() -> int:
    jars = caches.present(caches.kafka_jars(caches.default_directory()))
    archive(jars, caches.kafka_classes(jars))
    return 0


if __name__ == "__main__":
    sys.exit(main())
