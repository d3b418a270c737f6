"""The local stack's servers for real: they come back when killed, stay down when held, and leave nothing behind."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg2
import pytest
from pydantic import SecretStr

from coldwatch.operate import topics
from coldwatch.wiring import saved_settings
from schemas.errors import Permanent
from schemas.settings import KafkaSettings, Settings
from stack import caches, postgres, record, status
from stack.flow import FlowReader
from stack.kafka import answers
from stack.process import Identity, identify, is_alive, wait_gone
from stack.stack import Stack
from stack.watch import State
from tests import refused_sockets
from tests.servers import Database, blank_settings, missing
from tests.waiting import until

pytestmark = [pytest.mark.long, *refused_sockets.FORGIVEN]
LIMIT_S = 60.0


@pytest.fixture(scope="module", autouse=True)
def installed() -> None:
    if reason := missing():
        (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    stack = Stack(blank_settings(tmp_path_factory.mktemp("stack")), names=())
    stack.start()
    yield stack
    stack.stop()


def owner_url(stack: Stack) -> str:
    return stack.settings.database.owner_url.get_secret_value()


def processes_of(home: Path) -> list[str]:
    """Every process whose command line or working directory lies in the home directory."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                place = os.stat(entry / "cwd")
            except OSError:
                continue
            data = home / "postgres" / "data"
            inside = data.exists() and (place.st_dev, place.st_ino) == (
                data.stat().st_dev,
                data.stat().st_ino,
            )
            if str(home) in command or inside:
                found.append(f"{entry.name} {command}")
    return found


def restarted(stack: Stack, name: str, restarts: int) -> Callable[[], bool]:
    def check() -> bool:
        status = stack.services[name].status()
        return status.restarts > restarts and status.state is State.READY

    return check


@pytest.mark.parametrize("name", ["kafka", "postgres"])
def test_a_killed_server_comes_back_with_what_it_had(stack: Stack, name: str) -> None:
    before = stack.services[name].status()
    victim = stack.kill(name, signal.SIGKILL)
    assert victim.pid == before.pid
    until(restarted(stack, name, before.restarts), LIMIT_S)
    assert not is_alive(victim)
    assert topics.ensure(stack.settings.kafka) == []
    assert count_migrations(owner_url(stack)) > 0


def count_migrations(url: str) -> int:
    connection = psycopg2.connect(url)
    try:
        with connection.cursor() as cursor:
            cursor.execute("select count(*) from pg_tables where tablename = 'reading'")
            row = cursor.fetchone()
            return int(row[0]) if row else 0
    finally:
        connection.close()


def test_a_paused_server_stays_down_until_resumed(stack: Stack) -> None:
    restarts = stack.services["kafka"].status().restarts
    stack.pause("kafka")
    assert stack.services["kafka"].status().state is State.PAUSED
    assert not answers(stack.settings.kafka)
    stack.resume("kafka")
    stack.wait_ready("kafka", limit_s=LIMIT_S)
    assert answers(stack.settings.kafka)
    assert stack.services["kafka"].status().restarts == restarts


def test_timescaledb_is_there_and_nothing_is_traded_for_speed(stack: Stack) -> None:
    connection = psycopg2.connect(owner_url(stack))
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                "select current_setting('fsync'), current_setting('synchronous_commit'),"
                " current_setting('timescaledb.telemetry_level'), current_setting('timezone'),"
                " (select count(*) from pg_extension where extname = 'timescaledb')"
            )
            assert cursor.fetchone() == ("on", "on", "off", "UTC", 1)
    finally:
        connection.close()


def test_a_wrong_password_is_refused(stack: Stack) -> None:
    port = stack.settings.database.port
    assert postgres.answers(owner_url(stack))
    assert not postgres.answers(postgres.url(port, postgres.SUPERUSER, "wrong"))


def test_two_stacks_in_one_home_are_refused_with_the_remedy(stack: Stack) -> None:
    with pytest.raises(Permanent, match="COLDWATCH_HOME"):
        Stack(stack.settings, names=()).start()


def test_other_commands_find_the_running_stack_by_its_home(stack: Stack) -> None:
    found = saved_settings.of_running(Settings.model_construct(home=stack.settings.home))
    assert found.kafka.bootstrap == stack.settings.kafka.bootstrap
    assert found.database.pipeline_url == stack.settings.database.pipeline_url


def test_what_a_killed_supervisor_leaves_is_ended_and_the_next_start_works(tmp_path: Path) -> None:
    home = tmp_path / "orphans"
    path = home / "run" / "record.json"
    first = command_up(home)
    until(lambda: first.poll() is not None or is_ready(path), 120)
    orphans = processes(path)
    assert len(orphans) >= 3  # broker, postmaster, its wrapper
    first.kill()
    first.wait()
    assert all(map(is_alive, orphans))

    second = command_up(home)
    try:
        until(lambda: second.poll() is not None or is_ready(path, second.pid), 120)
        assert not any(map(is_alive, orphans))
    finally:
        second.terminate()
        second.wait(60)
    assert second.returncode == 0
    assert processes_of(home) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_start_that_is_interrupted_leaves_no_process(tmp_path: Path, number: int) -> None:
    home = tmp_path / "home"
    starting = command_up(home)
    until(lambda: processes(home / "run" / "record.json"), 60)
    assert not is_ready(home / "run" / "record.json")
    starting.send_signal(number)
    assert starting.wait(60) == 0
    assert processes_of(home) == []


def command_up(home: Path) -> "subprocess.Popen[bytes]":
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COLDWATCH_")}
    environment |= {"COLDWATCH_HOME": str(home), "COLDWATCH_CACHE": str(caches.default_directory())}
    command = [sys.executable, "-m", "coldwatch", "up", "--no-services"]
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, start_new_session=True)


def is_ready(path: Path, supervisor: int | None = None) -> bool:
    found = record.read(path)
    return bool(found and found.ready and supervisor in (None, found.supervisor.pid))


def processes(path: Path) -> list[Identity]:
    found = record.read(path)
    return [process for service in found.services for process in service.processes] if found else []


def test_stopping_leaves_no_process(tmp_path: Path) -> None:
    stack = Stack(blank_settings(tmp_path / "home"), names=())
    stack.start()
    pids = [runner.pid for runner in stack.services.values()]
    running = [found for pid in pids if pid and (found := identify(pid))]
    assert len(running) == 2
    stack.stop()
    assert all(wait_gone(process, 0) for process in running)
    assert processes_of(tmp_path) == []


def test_existing_servers_are_used_and_none_is_started(
    tmp_path: Path, kafka_bootstrap: str, fresh_database: Database
) -> None:
    settings = blank_settings(tmp_path)
    urls = {name: SecretStr(url) for name, url in vars(fresh_database).items()}
    database = settings.database.model_copy(update=urls)
    kafka = settings.kafka.model_copy(update={"bootstrap": kafka_bootstrap})
    stack = Stack(settings.model_copy(update={"kafka": kafka, "database": database}), names=())
    stack.start()
    try:
        assert stack.services == {}
        assert stack.settings.kafka.bootstrap == kafka_bootstrap
        assert stack.settings.database.reader_url.get_secret_value() == fresh_database.reader_url
    finally:
        stack.stop()
    assert not (tmp_path / "kafka").exists()
    assert not (tmp_path / "postgres").exists()
    assert answers(KafkaSettings(bootstrap=kafka_bootstrap))


def test_status_says_at_once_that_kafka_does_not_answer(stack: Stack) -> None:
    stack.pause("kafka")
    try:
        with pytest.raises(status.Unreachable, match="does not answer"):
            status.read_ledger(stack.settings)
        with pytest.raises(status.Unreachable, match="does not answer"):
            FlowReader(stack.settings).read()
    finally:
        stack.resume("kafka")
        stack.wait_ready("kafka", limit_s=LIMIT_S)
    assert status.read_ledger(stack.settings)["balanced"]
    reader = FlowReader(stack.settings)
    assert set(reader.read().lag.values()) == {0}
    reader.close()


def test_status_shows_what_runs_and_nothing_once_stopped(tmp_path: Path) -> None:
    stack = Stack(blank_settings(tmp_path), names=())
    stack.start()
    try:
        settings, found = status.load(Settings.model_construct(home=tmp_path))
        assert status.all_ready(found)
        assert [row["name"] for row in status.services(found)] == ["kafka", "postgres"]
        assert settings.kafka.bootstrap == stack.settings.kafka.bootstrap
    finally:
        stack.stop()
    assert status.load(Settings.model_construct(home=tmp_path))[1] is None
