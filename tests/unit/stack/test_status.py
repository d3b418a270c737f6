"""What status says of a record: the truth about each process, whoever supervises it."""

import io
import json
import os
import signal
from pathlib import Path

import msgspec
from pydantic import SecretStr
from rich.console import Console

from schemas.settings import ConsoleSettings, DatabaseSettings, GatewaySettings, KafkaSettings, Settings
from stack import record, status, status_table
from stack.flow import Flow
from stack.process import Identity
from stack.record import Record, Running
from stack.watch import State

US = record.ourselves()
GONE = Identity(US.pid, US.started + 1)  # the same pid, another process
SETTINGS = Settings.model_construct(
    home=Path("/nowhere"),
    kafka=KafkaSettings(bootstrap="127.0.0.1:9092"),
    gateway=GatewaySettings(port=1883),
    console=ConsoleSettings(port=8080),
)
BOOKS = {
    "accepted": 110, "stored": 90, "duplicate": 5, "quarantined": 3, "dead_lettered": 2, "in_flight": 10,
    "holes": 0, "balanced": True,
}  # fmt: skip


def running(name: str, process: Identity, state: State = State.READY, restarts: int = 0) -> Running:
    return Running(name, process.pid, state, restarts, [process], int(signal.SIGTERM), 1.0)


def test_a_supervised_service_is_shown_as_its_supervisor_sees_it() -> None:
    found = Record(US, True, [running("kafka", US), running("judge", US, State.WAITING, 2)])
    assert status.services(found) == [
        {"name": "kafka", "pid": os.getpid(), "state": "ready", "restarts": 0},
        {"name": "judge", "pid": os.getpid(), "state": "waiting", "restarts": 2},
    ]
    assert status.is_running(found)
    assert not status.all_ready(found)


def test_without_its_supervisor_a_service_is_orphaned_or_stopped() -> None:
    found = Record(GONE, True, [running("kafka", US), running("judge", GONE)])
    rows = status.services(found)
    assert [row["state"] for row in rows] == ["orphaned", "stopped"]
    assert [row["pid"] for row in rows] == [os.getpid(), None]
    assert not status.is_running(found)


def test_all_is_ready_only_after_the_start_is_complete() -> None:
    assert status.all_ready(Record(US, True, [running("kafka", US)]))
    assert not status.all_ready(Record(US, False, [running("kafka", US)]))
    assert not status.all_ready(Record(US, True, []))
    assert not status.all_ready(None)


def test_the_record_reads_back_as_written(tmp_path: Path) -> None:
    written = Record(US, True, [running("kafka", US, restarts=3)])
    record.write(tmp_path / "run" / "record.json", written)
    assert record.read(tmp_path / "run" / "record.json") == written
    assert record.read(tmp_path / "nothing.json") is None


def test_the_record_holds_no_secret() -> None:
    fields = set(Record.__struct_fields__) | set(Running.__struct_fields__)
    assert fields.isdisjoint({"settings", "environment", "password", "url"})
    assert b"secret" not in msgspec.json.encode(Record(US, True, [running("kafka", US)]))


def test_a_living_supervisor_has_no_orphans(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    record.write(path, Record(US, True, [running("kafka", US)]))
    assert record.end_orphans(path) == []


def test_the_json_has_exactly_the_promised_keys() -> None:
    found = Record(US, True, [running("kafka", US)])
    printed = status.as_json(SETTINGS, found, BOOKS)
    assert set(printed) == {"services", "mqtt", "kafka", "database_url", "console_url", "ledger"}
    assert printed["mqtt"] == {"host": "127.0.0.1", "port": 1883}
    assert printed["kafka"] == "127.0.0.1:9092"
    assert printed["console_url"] == "http://127.0.0.1:8080/"
    assert printed["ledger"] == BOOKS


def test_a_password_is_printed_when_it_is_asked_for_alone() -> None:
    url = "postgresql://coldwatch_reader:s3cr%20et@127.0.0.1:5432/coldwatch?sslmode=require"
    settings = Settings.model_construct(
        **{**dict(SETTINGS), "database": DatabaseSettings(reader_url=SecretStr(url))}
    )
    shown = json.dumps(status.as_json(settings, None, {}))
    assert "s3cr" not in shown
    assert "coldwatch_reader" in shown
    assert status.as_json(settings, None, {}, secrets=True)["database_url"] == url
    assert sorted(status.without_password("host=db password='s3cr et' user=u").split()) == [
        "host=db",
        "user=u",
    ]
    assert status.without_password("") == ""


def shown(found: Record | None, look: status_table.Look, before: status_table.Look | None = None) -> str:
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(status_table.draw(SETTINGS, found, look, before))
    return console.export_text()


def test_the_table_shows_services_rates_lag_and_the_ledger() -> None:
    found = Record(US, True, [running("kafka", US), running("judge", US, State.FAILING, 4)])
    before = status_table.Look(100.0, BOOKS | {"accepted": 10}, None)
    look = status_table.Look(102.0, BOOKS, Flow({"readings": 7}, 1.25))
    text = shown(found, look, before)
    assert "judge" in text
    assert "无响应 · failing" in text
    assert "50" in text  # accepted per second
    assert "ledger balanced" in text
    assert "1.2 s" in text


def test_an_unbalanced_ledger_is_said_loudly() -> None:
    found = Record(US, True, [running("kafka", US)])
    text = shown(found, status_table.Look(1.0, BOOKS | {"balanced": False}, None))
    assert "NOT BALANCED" in text


def test_a_stack_that_does_not_run_says_how_to_start_it() -> None:
    assert "coldwatch up" in shown(None, status_table.Look(1.0, {}, None))
    assert "coldwatch up" in shown(Record(GONE, True, []), status_table.Look(1.0, {}, None))
