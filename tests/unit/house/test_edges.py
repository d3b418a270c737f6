"""Who may open a connection: one file for the database, one for Kafka. Tests may open their own."""

import re
from pathlib import Path

import pytest

from coldwatch.serve import SERVICES
from schemas.secret_files import variable_of

ROOT = Path(__file__).resolve().parents[3]
FOLDERS = (
    "schemas", "ingest", "processors", "alerts", "history", "console", "coldwatch", "stack", "city", "bench",
)  # fmt: skip
OPENED = {
    r"psycopg2\.connect\(": {"coldwatch/wiring/connections.py"},
    r"\bbootstrap_servers\b": {"coldwatch/wiring/kafka.py"},
    r"= ?(AIO)?Kafka(Consumer|Producer|AdminClient)\(|return (AIO)?Kafka(Consumer|Producer|AdminClient)\(": {
        "coldwatch/wiring/kafka.py",
        "ingest/producer.py",
        "bench/floor.py",  # what the libraries cost by themselves
    },
    r"faust\.App\(": {"processors/worker/app.py", "bench/floor.py"},
}


@pytest.mark.parametrize("pattern", OPENED)
def test_connections_are_opened_in_their_files_alone(pattern: str) -> None:
    files = [file for folder in FOLDERS for file in (ROOT / folder).rglob("*.py")]
    found = {str(f.relative_to(ROOT)) for f in files if re.search(pattern, f.read_text(encoding="utf-8"))}
    assert found == OPENED[pattern]


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_in_the_operators_docs_with_its_secrets(name: str) -> None:
    secrets = ", ".join(f"`{variable_of(path)}`" for path in SERVICES[name].secrets)
    row = f"| `{name}` | `COLDWATCH_{name.upper()}__HEALTH_PORT` | {secrets} |"
    assert row in (ROOT / "docs" / "operating.md").read_text(encoding="utf-8").splitlines()
