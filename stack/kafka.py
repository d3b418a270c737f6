"""One Kafka node in KRaft mode, from the cached jars. Real, durable, without ZooKeeper or Docker."""

import base64
import signal
import socket
import subprocess
import uuid
from pathlib import Path

from coldwatch.wiring import kafka as wiring
from coldwatch.wiring.files import write_atomically
from schemas.errors import Permanent
from schemas.settings import KafkaSettings
from stack import caches
from stack.program import Health, plain_environment
from stack.secured import Secured

TEMPLATE = Path(__file__).resolve().parents[1] / "deploy" / "kafka" / "server.properties"

# Kafka writes through SLF4J; slf4j-simple sends it to standard error, which the supervisor keeps in one file.
LOGGING = {
    "defaultLogLevel": "warn",
    "showDateTime": "true",
    "dateTimeFormat": "yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
    "log.kafka.server": "info",
    "log.org.apache.kafka.common.utils.AppInfoParser": "error",
}


LEAN = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
"""One collector thread and the quick compiler alone: on two cores this halves a broker's CPU at 5,000 readings/s and
costs nothing at full load (bench/RESULTS.md). A larger broker is the operator's own, with its own flags."""


class Kafka:
    """A broker and its controller in one process, on two ports of 127.0.0.1; data and configuration in `directory`."""

    name = "kafka"
    probe_interval_s = None
    grace_s = 15.0
    stop_signal = signal.SIGTERM

    def __init__(
        self,
        jars: Path,
        directory: Path,
        port: int,
        controller_port: int,
        heap_mib: int = 768,
        secured: Secured | None = None,
    ) -> None:
        self._jars = jars
        self._directory = directory.absolute()
        self._port = port
        self._controller_port = controller_port
        self._heap_mib = heap_mib
        self._secured = secured

    @property
    def bootstrap(self) -> str:
        return f"127.0.0.1:{self._port}"

    @property
    def settings(self) -> KafkaSettings:
        """How a client reaches it."""
        return (
            self._secured.settings(self.bootstrap)
            if self._secured
            else KafkaSettings(bootstrap=self.bootstrap)
        )

    @property
    def _configuration(self) -> Path:
        return self._directory / "server.properties"

    def prepare(self) -> None:
        """Writes the configuration (the ports may have changed) and formats the data directory at the first start."""
        text = self._properties()
        if self._secured:
            files, keystore = self._secured.certificates, self._directory / "keystore.pem"
            write_atomically(keystore, files.key.read_bytes() + files.certificate.read_bytes(), mode=0o600)
            text += self._secured.properties(keystore)
        write_atomically(self._configuration, text.encode(), mode=0o600)
        if not (self._directory / "data" / "meta.properties").exists():
            self._format()

    def _properties(self) -> str:
        values = {
            "listener": "SASL_SSL" if self._secured else "PLAINTEXT",
            "port": self._port,
            "controller_port": self._controller_port,
            "data": self._directory / "data",
        }
        text = TEMPLATE.read_text(encoding="utf-8")
        for name, value in values.items():
            text = text.replace("${" + name + "}", str(value))
        return text

    def _format(self) -> None:
        format_arguments = ["format", "-t", _cluster_id(), "-c", str(self._configuration)]
        done = subprocess.run(
            [*self._java(128), "kafka.tools.StorageTool", *format_arguments],
            capture_output=True,
            text=True,
            env=self.environment(),
        )
        if done.returncode:
            raise Permanent(f"cannot format {self._directory}: {done.stdout}{done.stderr}")

    def command(self) -> list[str]:
        return [*self._java(self._heap_mib), "kafka.Kafka", str(self._configuration)]

    def _java(self, heap_mib: int) -> list[str]:
        return [
            "java",
            f"-Xmx{heap_mib}m",
            "-XX:+ExitOnOutOfMemoryError",
            *LEAN,
            *self._archived_classes(),
            "-Djava.awt.headless=true",
            *(f"-Dorg.slf4j.simpleLogger.{name}={value}" for name, value in LOGGING.items()),
            "-cp",
            ":".join(
                str(jar) for jar in sorted(self._jars.glob("*.jar"))
            ),  # the archive holds for this order alone
        ]

    def _archived_classes(self) -> list[str]:
        """Java leaves an archive aside that does not fit and starts without it."""
        archive = caches.kafka_classes(self._jars)
        return [f"-XX:SharedArchiveFile={archive}"] if archive.exists() else []

    def environment(self) -> dict[str, str]:
        return plain_environment()

    def probe(self) -> Health:
        return Health.READY if answers(self.settings) else Health.FAILING

    def main_pid(self, spawned: int) -> int | None:
        return spawned


def _cluster_id() -> str:
    """A random cluster id as Kafka writes them; a leading dash would be read as an option."""
    while (text := base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")).startswith("-"):
        pass
    return text


def accepts(address: str) -> bool:
    """True when somebody listens at host:port."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=1).close()
    except OSError:
        return False
    return True


def answers(settings: KafkaSettings) -> bool:
    """True when a broker there lets us in and answers a metadata request."""
    from kafka.errors import KafkaError  # 0.1 s of import that most commands do not need

    if not any(accepts(address) for address in settings.bootstrap.split(",")):
        return False
    try:
        admin = wiring.admin(settings, "probe", request_timeout_ms=5_000, bootstrap_timeout_ms=5_000)
        try:
            return bool(admin.describe_cluster()["brokers"])
        finally:
            admin.close()
    except KafkaError:
        return False
