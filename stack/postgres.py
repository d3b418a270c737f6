"""One PostgreSQL 17 server with TimescaleDB, from the private root file system."""

import os
import signal
import subprocess
from pathlib import Path

from pydantic import SecretStr

from coldwatch.wiring.files import write_atomically
from schemas.errors import Permanent
from schemas.settings import DatabaseSettings
from stack import process, rootfs
from stack.program import Health, plain_environment
from stack.secured import Certificates

BINARIES = "/usr/lib/postgresql/17/bin"
SUPERUSER = "postgres"
DATABASE = "coldwatch"

# fsync and synchronous_commit stay on: an accepted reading must survive kill -9 and a power cut of this server.
CONFIGURATION = {
    "listen_addresses": "'127.0.0.1'",
    "unix_socket_directories": f"'{rootfs.INSIDE}'",
    "shared_preload_libraries": "'timescaledb'",
    "timescaledb.telemetry_level": "off",
    "password_encryption": "'scram-sha-256'",
    "timezone": "'UTC'",
    "log_timezone": "'UTC'",
    "max_connections": "100",
    "shared_buffers": "'512MB'",
    "max_wal_size": "'4GB'",
    "min_wal_size": "'512MB'",
    "wal_compression": "'lz4'",
    "checkpoint_timeout": "'15min'",
    "max_locks_per_transaction": "512",  # a query over many chunks locks each of them
    "max_worker_processes": "16",
    "random_page_cost": "1.1",
    "jit": "off",  # plans over many chunks look dear enough to compile and are not
    "log_min_duration_statement": "'2s'",
    "log_line_prefix": "'%m [%p] %q%u@%d '",
}
TLS = {
    "ssl": "on",
    "ssl_cert_file": f"'{rootfs.INSIDE}/server.pem'",
    "ssl_key_file": f"'{rootfs.INSIDE}/server.key'",
    "hba_file": f"'{rootfs.INSIDE}/pg_hba.conf'",
}
TLS_ALONE = b"hostssl all all all scram-sha-256\n"
INITDB = (
    *("--username", SUPERUSER, "--pwfile", f"{rootfs.INSIDE}/password", "--auth", "scram-sha-256"),
    *(
        "--encoding",
        "UTF8",
        "--locale",
        "C.UTF-8",
        "--locale-provider",
        "builtin",
        "--builtin-locale",
        "C.UTF-8",
    ),
)


class Postgres:
    """A server on 127.0.0.1; everything it keeps is in `directory`. Its superuser is `postgres`."""

    name = "postgres"
    probe_interval_s = None
    grace_s = 20.0
    stop_signal = signal.SIGINT  # fast shutdown: sessions are ended, nothing is lost

    def __init__(
        self, root: Path, directory: Path, port: int, password: str, tls: Certificates | None = None
    ) -> None:
        self._tls = tls
        self._root = root
        self._directory = directory.absolute()
        self._port = port
        self._password = password

    @property
    def url(self) -> str:
        """The superuser's URL of the coldwatch database."""
        return url(self._port, SUPERUSER, self._password)

    @property
    def settings(self) -> DatabaseSettings:
        """How a superuser reaches it."""
        url = SecretStr(self.url)
        if self._tls is None:
            return DatabaseSettings(owner_url=url)
        return DatabaseSettings(owner_url=url, sslmode="verify-full", sslrootcert=str(self._tls.ca))

    @property
    def _data(self) -> Path:
        return self._directory / "data"

    def prepare(self) -> None:
        """Makes the cluster at the first start, writes its settings, ends a server left on the same data."""
        self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not (self._data / "PG_VERSION").exists():
            self._make_cluster()
        if self._tls:
            write_atomically(self._directory / "server.pem", self._tls.certificate.read_bytes())
            write_atomically(self._directory / "server.key", self._tls.key.read_bytes(), mode=0o600)
            write_atomically(self._directory / "pg_hba.conf", TLS_ALONE)
        write_atomically(self._data / "postgresql.auto.conf", self._settings().encode(), mode=0o600)
        self._end_leftover()

    def _settings(self) -> str:
        settings = CONFIGURATION | {"port": str(self._port)} | (TLS if self._tls else {})
        return "".join(f"{name} = {value}\n" for name, value in settings.items())

    def _make_cluster(self) -> None:
        password_file = self._directory / "password"
        write_atomically(password_file, self._password.encode(), mode=0o600)
        try:
            self._run(["initdb", "--pgdata", f"{rootfs.INSIDE}/data", *INITDB])
        finally:
            password_file.unlink()
        single = ["postgres", "--single", "-D", f"{rootfs.INSIDE}/data", "postgres"]
        self._run(single, f"create database {DATABASE};")

    def _run(self, program: list[str], text: str = "") -> None:
        done = subprocess.run(
            self._inside(program), input=text, capture_output=True, text=True, env=self.environment()
        )
        if done.returncode:
            raise Permanent(f"{program[0]} in {self._directory}: {done.stdout}{done.stderr}")

    def _end_leftover(self) -> None:
        """A supervisor that was killed leaves its server running, and two must never share the data."""
        pid = self.main_pid(0)
        running = process.identify(pid) if pid else None
        if running:
            process.end(running, self.stop_signal, self.grace_s)

    def command(self) -> list[str]:
        return self._inside(["postgres", "-D", f"{rootfs.INSIDE}/data"])

    def _inside(self, program: list[str]) -> list[str]:
        path = f"{BINARIES}/{program[0]}"
        return rootfs.command(self._root, "postgres", self._directory, [path, *program[1:]])

    def environment(self) -> dict[str, str]:
        return plain_environment() | {"LANG": "C.UTF-8", "TZ": "UTC"}

    def probe(self) -> Health:
        return Health.READY if answers(self.url, self.settings) else Health.FAILING

    def main_pid(self, spawned: int) -> int | None:
        """The postmaster, by the pid it wrote itself; None while it has not, or when another has that pid now."""
        try:
            pid = int((self._data / "postmaster.pid").read_text().splitlines()[0])
            works_here = os.path.samefile(f"/proc/{pid}/cwd", self._data)
        except (OSError, IndexError, ValueError):
            return None
        return pid if works_here else None


def url(port: int, role: str, password: str) -> str:
    """How a role reaches the coldwatch database of a local server."""
    return f"postgresql://{role}:{password}@127.0.0.1:{port}/{DATABASE}"


def answers(url: str, settings: DatabaseSettings = DatabaseSettings()) -> bool:
    """True when the server lets this URL in and answers a query."""
    import psycopg2

    from coldwatch.wiring.connections import connect_database

    try:
        connection = connect_database(SecretStr(url), settings, "probe")
    except psycopg2.OperationalError:
        return False
    try:
        with connection.cursor() as cursor:
            cursor.execute("select 1")
            return bool(cursor.fetchone())
    except psycopg2.Error:
        return False
    finally:
        connection.close()
