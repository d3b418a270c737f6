"""The whole local stack of one home directory: servers, then topics and tables, then our services."""

import fcntl
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from coldwatch.operate import prepare, topics
from coldwatch.wiring import saved_settings
from schemas.errors import Permanent
from schemas.settings import Settings
from stack import caches, local, passwords, record, services
from stack.kafka import Kafka
from stack.ports import Ports
from stack.postgres import Postgres
from stack.process import Identity
from stack.program import Program
from stack.runner import Runner
from stack.supervisor import Supervisor
from stack.watch import Policy


class Stack:
    """Starts, watches and stops everything. `settings` is complete (ports, URLs) once `start` has begun.

    `names` chooses our services; none leaves the servers alone, as tests and benches want them.
    `tell` is given one line for each step of the start and of the stop.
    """

    def __init__(
        self,
        settings: Settings,
        names: tuple[str, ...] = services.NAMES,
        policy: Policy = Policy(),
        tell: Callable[[str], None] = lambda line: None,
    ) -> None:
        self.settings = settings
        self._names = names
        self._tell = tell
        self._home = settings.home.absolute()
        self._run = saved_settings.run_directory(settings)
        self._writing = threading.Lock()
        self._ready = False
        self._lock: int | None = None
        self._supervisor = Supervisor(self._home / "logs", policy, self._write_record)

    @property
    def services(self) -> dict[str, Runner]:
        """Everything that is supervised, servers first, by name."""
        return self._supervisor.runners

    def start(self) -> None:
        """Returns when all is ready. Raises Permanent, with all stopped again, when that cannot be."""
        self._take_lock()
        try:
            self._start()
        except BaseException:
            self.stop()
            raise

    def _start(self) -> None:
        if ended := record.end_orphans(self._run / "record.json"):
            self._tell(f"清理上次遗留的进程 · ended what a killed supervisor had left: {', '.join(ended)}")
        secrets = passwords.load_or_create(self._run / "secrets.json")
        starts_kafka, starts_database = (
            not self.settings.kafka.bootstrap,
            local.starts_database(self.settings),
        )
        self.settings = local.complete(self.settings, Ports(self._run / "ports.json"), secrets)
        local.save(self.settings)
        servers = self._servers(starts_kafka, starts_database, secrets)
        if servers:
            self._tell(f"启动 · starting {', '.join(server.name for server in servers)}")
            self._supervisor.launch(servers)
        self._tell("建主题与数据表 · making topics and tables")
        self._prepare_servers()
        if self._names:
            self._tell(f"启动服务 · starting {', '.join(self._names)}")
            self._supervisor.launch(services.programs(self._names, self.settings))
        self._ready = True
        self._write_record()

    def _servers(self, kafka: bool, database: bool, secrets: dict[str, str]) -> list[Program]:
        cache = self.settings.cache
        servers: list[Program] = []
        if kafka:
            controller = Ports(self._run / "ports.json").choose("kafka.controller")
            jars = caches.present(caches.kafka_jars(cache))
            servers.append(Kafka(jars, self._home / "kafka", self.settings.kafka.port, controller))
        if database:
            root = caches.present(caches.rootfs(cache))
            port = self.settings.database.port
            servers.append(Postgres(root, self._home / "postgres", port, secrets["superuser"]))
        return servers

    def _prepare_servers(self) -> None:
        """Topics and tables, at once. A database given without its owner is taken to be prepared."""
        database, secrets = self.settings.database, self._home / "secrets"
        with ThreadPoolExecutor(2) as pool:
            works: list[Future[object]] = [pool.submit(topics.ensure, self.settings.kafka)]
            if database.owner_url.get_secret_value():
                works.append(pool.submit(prepare.database, database, secrets))
            for work in works:
                work.result()

    def stop(self) -> None:
        """Stops services, then servers; returns when no process is left. Safe to repeat."""
        self._ready = False
        self._supervisor.stop()
        if self._lock is not None:
            (self._run / "record.json").unlink(missing_ok=True)
            os.close(self._lock)
            self._lock = None

    # ------------------------------------------------------------------ faults, for tests

    def kill(self, name: str, number: int = signal.SIGKILL) -> Identity:
        """Sends a signal to a service's or server's working process; returns which one it was."""
        return self.services[name].kill(number)

    def pause(self, name: str) -> None:
        """Stops it cleanly and holds it down until `resume`."""
        self.services[name].pause()

    def resume(self, name: str) -> None:
        """Lets it run again; `wait_ready` tells when it does."""
        self.services[name].resume()

    def wait_ready(self, *names: str, limit_s: float = 90.0) -> None:
        """Returns when these (or all) are ready. Raises Permanent when they do not become so."""
        for name in names or tuple(self.services):
            self.services[name].wait_ready(limit_s)

    # ------------------------------------------------------------------ the record

    def _take_lock(self) -> None:
        self._run.mkdir(parents=True, exist_ok=True)
        self._run.chmod(0o700)
        lock = os.open(self._run / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            raise Permanent(
                f"{self._home} 中已有一套在运行：先执行 coldwatch down，或用 COLDWATCH_HOME 另选目录 / "
                f"a stack already runs in {self._home}: `coldwatch down`, or choose another COLDWATCH_HOME"
            ) from None
        self._lock = lock

    def _write_record(self) -> None:
        with self._writing:
            running = [record.describe(runner) for runner in self.services.values()]
            record.write(self._run / "record.json", record.Record(record.ourselves(), self._ready, running))
