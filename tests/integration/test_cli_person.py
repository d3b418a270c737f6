"""`coldwatch person add` on a real database."""

import re
from collections.abc import Callable

import pytest
from typer.testing import CliRunner, Result

from coldwatch.cli import app
from tests.consoles import RunningConsole


@pytest.fixture
def run(fresh_database, monkeypatch, tmp_path) -> Callable[..., Result]:
    monkeypatch.setenv("COLDWATCH_HOME", str(tmp_path))
    monkeypatch.setenv("COLDWATCH_DATABASE__WEB_URL", fresh_database.web_url)
    return lambda *arguments, **more: CliRunner().invoke(app, ["person", "add", *arguments], **more)


def test_a_password_is_made_shown_once_and_works(run, fresh_database) -> None:
    result = run("wang", "--role", "operator")
    assert result.exit_code == 0
    password = re.search(r"shown this once\): (\S+)", result.output).group(1)
    console = RunningConsole(fresh_database.web_url)
    console.start()
    with console.client("wang", password) as client:
        assert client.get("/api/session").json() == {"name": "wang", "role": "operator", "enterprise": None}
    console.stop()


def test_a_given_password_is_read_from_standard_input_and_never_shown(run) -> None:
    result = run("wang", "--role", "admin", "--password-stdin", input="correct-horse-battery\n")
    assert result.exit_code == 0
    assert "correct-horse" not in result.output


def test_a_name_is_added_once(run) -> None:
    run("wang", "--role", "operator")
    again = run("wang", "--role", "operator")
    assert again.exit_code == 2
    assert "已存在" in again.stderr


def test_an_enterprise_person_needs_an_enterprise_that_is_there(run) -> None:
    assert run("wang", "--role", "enterprise").exit_code == 2
    missing = run("wang", "--role", "enterprise", "--enterprise", "nowhere")
    assert missing.exit_code == 2
    assert "register it first" in missing.stderr


def test_without_a_database_it_says_what_to_do(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("COLDWATCH_HOME", str(tmp_path))
    monkeypatch.delenv("COLDWATCH_DATABASE__WEB_URL", raising=False)
    result = CliRunner().invoke(app, ["person", "add", "wang", "--role", "operator"])
    assert result.exit_code == 2
    assert "coldwatch up" in result.stderr
