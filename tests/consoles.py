"""A real console for tests: the application under uvicorn on a free port of its own, on a real database."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import httpx
import psycopg2
import uvicorn

from coldwatch.wiring.transactions import Pool
from console import people
from console.app import Deps, build, utc_now
from schemas.person import Role
from tests.waiting import until

PASSWORD = "correct-horse-battery"


class RunningConsole:
    """`url` answers; `client(name)` is a signed-in person."""

    def __init__(
        self, web_url: str, evidence: Callable[[str], bytes | None] = lambda sha: None, **more: Any
    ) -> None:
        self._web_url = web_url
        self.pool = Pool(partial(psycopg2.connect, web_url, options="-c timezone=UTC"), 8)
        self.app = build(Deps(begin=self.pool.begin, evidence=evidence, **({"now": utc_now} | more)))
        config = uvicorn.Config(self.app, host="127.0.0.1", port=0, log_config=None, access_log=False)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self.url = ""

    def start(self) -> None:
        self._thread.start()
        until(lambda: self._server.started, 20)
        self.url = f"http://127.0.0.1:{self._server.servers[0].sockets[0].getsockname()[1]}"
        until(lambda: not self.app.state.live.trouble, 20)

    def stop(self) -> None:
        self.app.state.live.close_soon()
        self._server.should_exit = True
        self._thread.join(20)
        self.pool.close()

    def add_person(
        self, name: str, role: Role, enterprise: str | None = None, county: str | None = None
    ) -> None:
        connection = psycopg2.connect(self._web_url)
        try:
            with connection, connection.cursor() as cursor:
                people.add_person(cursor, name, PASSWORD, role, enterprise, "test", county)
        finally:
            connection.close()

    @contextmanager
    def client(self, name: str = "", password: str = PASSWORD) -> Iterator[httpx.Client]:
        """Signed in as `name`; nobody when that is empty."""
        with httpx.Client(base_url=self.url, headers={"X-Coldwatch": "1"}, timeout=20) as client:
            if name:
                client.post("/api/session", json={"name": name, "password": password}).raise_for_status()
            yield client
