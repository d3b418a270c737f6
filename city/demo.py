"""The demo: the real stack with the simulated city on it, for as long as asked, ended in order.

The order of the end matters. First the city, then the front door: with it the clock lines stop, so that stream time
stands still and no device that has just been switched off is reported silent. Then what is on Kafka is drained to
rows, findings and incidents; then everything else is stopped.
"""

import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

import psycopg2
from kafka.errors import KafkaError

from city.process import CityProcess, Event
from coldwatch.operate import ledger
from coldwatch.operate.first_admin import Login
from coldwatch.wiring import connections
from schemas import statements
from schemas.errors import Permanent
from schemas.settings import Settings
from stack.control import StopAsked, rest, stop_on_signals
from stack.stack import Stack
from stack.status import console_url

SQL = statements.load("city", "demo.sql")
REFRESH_S = 2.0
DRAIN_LIMIT_S = 30.0
EXIT_UNBALANCED = 1


@dataclass(frozen=True)
class Counts:
    """What the database holds since its beginning. `unapplied`: findings that are no incidents yet."""

    findings: int
    incidents: int
    incidents_open: int
    frames: int
    results: int
    judged: int
    unapplied: int


Found = dict[tuple[str, str], datetime]
"""When the newest incident of (rule, subject) was opened."""


class Screen(Protocol):
    """Where the demo tells what it does: not on standard output, which is for the closing object alone."""

    def step(self, line: str) -> None: ...
    def address(self, url: str, first: Login | None) -> None: ...
    def city(self, event: Event) -> None: ...
    def counts(self, counts: Counts, found: Found, elapsed_s: float) -> None: ...


class Demo:
    """One demo. `seconds`: from the moment at which everything is ready; None: until SIGINT or SIGTERM."""

    def __init__(
        self,
        settings: Settings,
        screen: Screen,
        first_admin: Callable[[Settings], Login | None],
        seed: int,
        seconds: float | None,
    ) -> None:
        self._screen = screen
        self._first_admin = first_admin
        self._seed = seed
        self._seconds = seconds
        self._stack = Stack(settings, tell=screen.step)
        self._city: CityProcess | None = None

    def run(self) -> dict[str, Any] | None:
        """Returns the closing object; None when a signal ended it before its time.

        Raises Permanent when stack or city fail. Everything is stopped in every case.
        """
        with stop_on_signals():
            try:
                self._start()
                self._watch()
                self._end_city()
                return self._drain()
            except StopAsked:
                self._screen.step("停止 · stopping")
                return None
            finally:
                self._end_city()
                self._stack.stop()

    def _start(self) -> None:
        self._stack.start()
        settings = self._stack.settings
        self._screen.address(console_url(settings), self._first_admin(settings))
        home = settings.home.absolute()
        self._city = CityProcess(
            home,
            self._seed,
            labels=home / "demo" / "labels.json",
            log=home / "logs" / "city.log",
            repeat=self._seconds is None,
        )
        for event in self._city.wait_connected():
            self._screen.city(event)

    def _watch(self) -> None:
        assert self._city is not None
        begun, since = time.monotonic(), datetime.now(UTC)
        while self._seconds is None or time.monotonic() - begun < self._seconds:
            elapsed_s = time.monotonic() - begun
            read = self._read(since)
            if read is not None:
                self._screen.counts(*read, elapsed_s)
            left_s = REFRESH_S if self._seconds is None else min(REFRESH_S, self._seconds - elapsed_s)
            for event in self._city.follow(max(0.05, left_s)):
                self._screen.city(event)

    def _end_city(self) -> None:
        """The city first, then the front door and with it the clock lines. Safe to repeat."""
        if self._city is None:
            return
        self._screen.step("停止模拟城市 · stopping the simulated city")
        for event in self._city.stop():
            self._screen.city(event)
        self._stack.pause("gateway")
        self._city = None

    def _drain(self) -> dict[str, Any]:
        """Waits until nothing is in flight and every finding is an incident; then counts, whatever it is.

        Raises Permanent when the ledger could not be read in all that time.
        """
        self._screen.step("等待全部入库 · draining")
        settings = self._stack.settings
        deadline = time.monotonic() + DRAIN_LIMIT_S
        while True:
            books, read = self._books(), self._read(datetime.now(UTC))
            late = time.monotonic() > deadline
            counts = read[0] if read else None
            if books and counts and (late or (books.in_flight == 0 and counts.unapplied == 0)):
                return closing_object(books, counts, console_url(settings))
            if late:
                raise Permanent("台账读不到 · the ledger cannot be read; see `coldwatch doctor`")
            rest(0.2)

    def _books(self) -> ledger.Ledger | None:
        try:
            return ledger.read(self._stack.settings)
        except (psycopg2.Error, KafkaError) as error:
            self._screen.step(f"台账暂时读不到 · the ledger cannot be read just now: {error}")
            return None

    def _read(self, since: datetime) -> tuple[Counts, Found] | None:
        try:
            return read_counts(self._stack.settings, since)
        except psycopg2.Error as error:
            self._screen.step(f"数据库暂时不可用 · the database is away just now: {error}")
            return None


def read_counts(settings: Settings, since: datetime) -> tuple[Counts, Found]:
    """Counts, and the incidents opened since then, by the reader's role. Raises psycopg2.Error."""
    connection = connections.connect_database(settings.database.reader_url, settings.database, "demo")
    with closing(connection), connection.cursor() as cursor:
        cursor.execute(SQL["counts"])
        (counts,) = statements.rows_of(cursor)
        cursor.execute(SQL["incidents_since"], {"since": since})
        return Counts(**counts), {(rule, subject): opened for rule, subject, opened in cursor.fetchall()}


def closing_object(books: ledger.Ledger, counts: Counts, url: str) -> dict[str, Any]:
    """The demo's last line."""
    return {
        **{name: value for name, value in asdict(books).items() if name != "holes"},
        "findings": counts.findings,
        "incidents": counts.incidents,
        "frames": counts.frames,
        "results": counts.results,
        "console_url": url,
        "balanced": books.balanced,
    }


def exit_code(closing: dict[str, Any]) -> int:
    """0 only if the ledger balances and nothing is in flight."""
    return 0 if closing["balanced"] and closing["in_flight"] == 0 else EXIT_UNBALANCED
