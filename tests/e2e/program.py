"""The whole program for the session's other tests: stack, first administrator and city, in a home of its own."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2

from city.process import CityProcess
from coldwatch.operate.first_admin import Login, first_admin
from stack.stack import Stack
from stack.status import console_url
from tests.e2e.api import Api
from tests.e2e.demo_run import environment
from tests.servers import blank_settings

SEED = 11


@dataclass
class Program:
    """A running program. `login`: of its first administrator."""

    home: Path
    stack: Stack
    login: Login
    city: CityProcess

    @property
    def url(self) -> str:
        return console_url(self.stack.settings)

    @property
    def mqtt(self) -> tuple[str, int]:
        gateway = self.stack.settings.gateway
        return gateway.host, gateway.port

    def api(self) -> Api:
        return Api(self.url, self.login.name, self.login.password)

    def fault(self, kind: str) -> dict[str, Any]:
        """The label of the fault of this kind, which has begun."""
        labels = json.loads((self.home / "demo" / "labels.json").read_text())["faults"]
        found: dict[str, Any] = next(label for label in labels if label["fault"] == kind)
        return found

    def command(self, *arguments: str) -> str:
        """What `coldwatch ARGUMENTS` prints. Fails with what it complains of."""
        done = subprocess.run(
            [sys.executable, "-m", "coldwatch", *arguments],
            env=environment(self.home),
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def add_device(self, device: str, kind: str) -> str:
        """Registers a device of enterprise `tools` as the documentation says; its token."""
        place = ["--enterprise", "tools", "--site", "lab", "--interval", "60s"]
        added = json.loads(self.command("device", "add", device, "--kind", kind, *place, "--json"))
        return str(added["token"])

    def rows(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Rows as the reader's role sees them."""
        connection = psycopg2.connect(self.stack.settings.database.reader_url.get_secret_value())
        try:
            with connection, connection.cursor() as cursor:
                cursor.execute(query, parameters)
                return cursor.fetchall()
        finally:
            connection.close()


def start(home: Path) -> Program:
    """Starts everything; returns when every device of the city is on line."""
    stack = Stack(blank_settings(home))
    stack.start()
    try:
        login = first_admin(stack.settings)
        assert login is not None
        city = CityProcess(home, SEED, home / "demo" / "labels.json", home / "logs" / "city.log")
        city.wait_connected()
    except BaseException:
        stack.stop()
        raise
    return Program(home, stack, login, city)


def stop(program: Program) -> None:
    program.city.stop()
    program.stack.stop()
