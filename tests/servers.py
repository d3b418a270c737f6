"""Real servers for the tests: one Kafka and one TimescaleDB per test session, started when first asked for.

`COLDWATCH_TEST_KAFKA=host:port` and `COLDWATCH_TEST_DATABASE_OWNER_URL=postgresql://...` (a role that may create roles
and databases) name running servers instead, which makes repeated runs of one test quick:

    .venv/bin/python -m tests.servers                  starts a pair, prints the two variables, runs until Ctrl-C
    .venv/bin/python -m tests.servers pytest -n 2 ...  runs a command on such a pair: one stack for all its processes
"""

import fcntl
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import encrypt_password, make_dsn, parse_dsn

from coldwatch.operate import prepare, topics
from schemas.settings import DatabaseSettings, KafkaSettings, Settings
from stack import caches, record
from stack.mosquitto import Mosquitto
from stack.ports import Ports
from stack.stack import Stack
from stack.supervisor import Supervisor

KAFKA = "COLDWATCH_TEST_KAFKA"
DATABASE = "COLDWATCH_TEST_DATABASE_OWNER_URL"
ROLES = ("pipeline", "web", "reader")


@dataclass(frozen=True)
class Database:
    """A migrated database, by role."""

    owner_url: str
    pipeline_url: str
    web_url: str
    reader_url: str


class Servers:
    """The session's servers. Nothing starts before it is asked for; `stop` leaves no process and no file."""

    def __init__(self) -> None:
        self._stack: Stack | None = None
        self._brokers: Supervisor | None = None
        self._starting = threading.Lock()
        self._passwords: dict[str, str] = {}

    @cached_property
    def _home(self) -> Path:
        return new_home()

    @cached_property
    def kafka(self) -> str:
        """host:port of a Kafka that has the topics of the table, without prefix."""
        bootstrap = os.environ.get(KAFKA) or self._own().settings.kafka.bootstrap
        topics.ensure(KafkaSettings(bootstrap=bootstrap))
        return bootstrap

    @cached_property
    def owner_url(self) -> str:
        """The superuser's URL of the session's server, on a database that nobody else uses."""
        return os.environ.get(DATABASE) or self._own().settings.database.owner_url.get_secret_value()

    @cached_property
    def database(self) -> Database:
        """One migrated database, shared by the session's tests: use names of your own in it."""
        return self.fresh_database()

    def fresh_database(self) -> Database:
        """A new, migrated, empty database on the session's server (about a second)."""
        name = f"test_{secrets.token_hex(6)}"
        connection = psycopg2.connect(self.owner_url)
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        finally:
            connection.close()
        owner = make_dsn(self.owner_url, dbname=name)
        with one_at_a_time():
            self._set_passwords()
            urls = {r: make_dsn(owner, user=f"coldwatch_{r}", password=p) for r, p in self._passwords.items()}
            settings = DatabaseSettings.model_validate(
                {"owner_url": owner, **{f"{role}_url": url for role, url in urls.items()}}
            )
            prepare.database(settings, self._home / "secrets")
        return Database(owner, urls["pipeline"], urls["web"], urls["reader"])

    def drop_database(self, database: Database) -> None:
        """Ends its sessions and removes it."""
        name = parse_dsn(database.owner_url)["dbname"]
        connection = psycopg2.connect(self.owner_url)
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))
        finally:
            connection.close()

    @cached_property
    def mosquitto(self) -> tuple[str, int]:
        """Host and port of a mosquitto broker of the session's own."""
        port = Ports(self._home / "ports.json").choose("mosquitto")
        broker = Mosquitto(caches.rootfs(caches.default_directory()), self._home / "mosquitto", port)
        self._brokers = Supervisor(self._home / "logs")
        self._brokers.launch([broker])
        return "127.0.0.1", port

    def _set_passwords(self) -> None:
        """Roles are the server's, not the database's, and keep their passwords: those of a test server are the tests'
        own, and two sessions on one server must agree on them."""
        password = parse_dsn(self.owner_url).get("password", "test")
        self._passwords = dict.fromkeys(ROLES, password)
        with (
            closing(psycopg2.connect(self.owner_url)) as connection,
            connection,
            connection.cursor() as cursor,
        ):
            cursor.execute("select pg_advisory_xact_lock(%s)", (prepare.LOCK,))
            cursor.execute(
                "select rolname from pg_roles where rolname = any(%s)", ([f"coldwatch_{r}" for r in ROLES],)
            )
            for (role,) in cursor.fetchall():
                cursor.execute(
                    sql.SQL("alter role {} password %s").format(sql.Identifier(role)),
                    (encrypt_password(password, role, connection, "scram-sha-256"),),
                )

    def _own(self) -> Stack:
        with self._starting:
            if self._stack is None:
                stack = Stack(blank_settings(self._home), names=())
                stack.start()
                self._stack = stack
            return self._stack

    def stop(self) -> None:
        """Stops our own servers, or takes our database off somebody else's."""
        if DATABASE in os.environ and "database" in self.__dict__:
            self.drop_database(self.database)
        if self._brokers is not None:
            self._brokers.stop()
        if self._stack is not None:
            self._stack.stop()
        if "_home" in self.__dict__:
            shutil.rmtree(self._home, ignore_errors=True)


def missing() -> str:
    """Why the servers cannot be started here; empty when they can."""
    if KAFKA in os.environ and DATABASE in os.environ:
        return ""
    cache = caches.default_directory()
    absent = [path for path in (caches.kafka_jars(cache), caches.rootfs(cache)) if not path.is_dir()]
    return f"no {' and no '.join(map(str, absent))}: run `make setup`" if absent else ""


def blank_settings(home: Path) -> Settings:
    """Settings of a test's own servers, whatever the environment says about others."""
    blank = Settings.model_construct()
    return blank.model_copy(
        update={"home": home, "cache": caches.default_directory(), "kafka": KafkaSettings()}
    )


def new_home() -> Path:
    """A directory for this session; what killed sessions have left beside it is ended and removed."""
    sessions = Path(tempfile.gettempdir()) / f"coldwatch-tests-{os.getuid()}"
    sessions.mkdir(mode=0o700, exist_ok=True)
    for home in sessions.iterdir():
        path = home / "run" / "record.json"
        found = record.read(path)
        if found is not None and not found.supervisor_lives():
            record.end_orphans(path)
            shutil.rmtree(home, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix="session-", dir=sessions))


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Roles belong to the server: two processes of one run must not set their passwords at the same moment."""
    with (Path(tempfile.gettempdir()) / f"coldwatch-tests-{os.getuid()}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def main(command: list[str]) -> int:
    """Runs a pair of servers for one command, or until Ctrl-C. Returns the command's exit code."""
    if command and missing():
        return subprocess.run(command).returncode  # each test then says what is missing
    servers = Servers()
    try:
        named = {KAFKA: servers.kafka, DATABASE: servers.owner_url}
        if command:
            return subprocess.run(command, env=os.environ | named).returncode
        print("\n".join(f"export {name}={value}" for name, value in named.items()), flush=True)
        threading.Event().wait()
    except KeyboardInterrupt:
        return 130 if command else 0
    finally:
        servers.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
