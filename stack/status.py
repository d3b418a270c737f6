"""What a stack is doing, as data: for `status --json`, for the table, and for tests."""

from typing import Any

import psycopg2
from kafka.errors import KafkaError
from psycopg2.extensions import make_dsn, parse_dsn

from coldwatch.operate import ledger
from coldwatch.wiring import saved_settings
from schemas.settings import Settings
from stack import record
from stack.kafka import accepts
from stack.process import is_alive
from stack.watch import State

ORPHANED = "orphaned"
"""The process runs and its supervisor does not: `coldwatch up` or `down` ends it."""


class Unreachable(Exception):
    """A server does not answer just now."""


def services(found: record.Record | None) -> list[dict[str, Any]]:
    """name, pid, state, restarts of everything that is supervised, in the order of the start."""
    if found is None:
        return []
    lives = found.supervisor_lives()
    return [_service(running, lives) for running in found.services]


def _service(running: record.Running, supervised: bool) -> dict[str, Any]:
    working = next((process for process in running.processes if process.pid == running.pid), None)
    alive = working is not None and is_alive(working)
    unsupervised = ORPHANED if alive else State.STOPPED.value
    return {
        "name": running.name,
        "pid": running.pid if alive else None,
        "state": running.state.value if supervised else unsupervised,
        "restarts": running.restarts,
    }


def all_ready(found: record.Record | None) -> bool:
    rows = services(found)
    return bool(found and found.ready and rows) and all(row["state"] == State.READY.value for row in rows)


def is_running(found: record.Record | None) -> bool:
    return found is not None and found.supervisor_lives()


def read_ledger(settings: Settings) -> dict[str, Any]:
    """The ledger by the reader's role. Raises Unreachable while database or Kafka cannot be asked."""
    require_kafka(settings.kafka.bootstrap)
    try:
        return ledger.read(settings).as_dict()
    except (psycopg2.Error, KafkaError) as error:
        raise Unreachable(f"台账读不到 · the ledger cannot be read: {str(error).strip()}") from error


def require_kafka(bootstrap: str) -> None:
    """Raises Unreachable at once where the client library would go on trying for half a minute."""
    if not any(accepts(address) for address in bootstrap.split(",")):
        raise Unreachable(f"Kafka {bootstrap} 无应答 · does not answer")


def as_json(
    settings: Settings, found: record.Record | None, books: dict[str, Any], secrets: bool = False
) -> dict[str, Any]:
    """The object that `coldwatch status --json` prints; with passwords when asked for them alone."""
    url = settings.database.reader_url.get_secret_value()
    return {
        "services": services(found),
        "mqtt": {"host": settings.gateway.host, "port": settings.gateway.port},
        "kafka": settings.kafka.bootstrap,
        "database_url": url if secrets else without_password(url),
        "console_url": console_url(settings),
        "ledger": books,
    }


def without_password(url: str) -> str:
    """The same address as keywords, for everybody to see."""
    known = parse_dsn(url) if url else {}
    return str(make_dsn(**{name: value for name, value in known.items() if name != "password"}))


def console_url(settings: Settings) -> str:
    """Where a person opens the page; empty before a port is known."""
    console = settings.console
    host = "127.0.0.1" if console.host in ("0.0.0.0", "::") else console.host
    return f"http://{host}:{console.port}/" if console.port else ""


def load(settings: Settings) -> tuple[Settings, record.Record | None]:
    """The completed settings and the record of the home directory."""
    return saved_settings.of_running(settings), record.read(
        saved_settings.run_directory(settings) / "record.json"
    )
