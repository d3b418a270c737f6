"""The line that `coldwatch device add` prints, pasted into a shell, against a real gateway."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from coldwatch.cli import app
from schemas.reading import decode_lines
from schemas.result import Verdict, decode_result
from schemas.topics import READINGS, REJECTIONS, RESULTS
from tests.catching_up import catch_up
from tests.gateways import RunningGateway, running
from tests.servers import Servers

Add = Callable[..., dict]


@pytest.fixture(scope="module")
def gateway(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    if shutil.which("mosquitto_pub") is None:
        if os.environ.get("CI"):
            pytest.fail("mosquitto_pub is not installed")
        pytest.skip("mosquitto_pub is not installed")
    database = servers.fresh_database()
    with running(tmp_path_factory.mktemp("gateway"), servers.kafka, database) as found:
        yield found
    servers.drop_database(database)


@pytest.fixture
def add(gateway: RunningGateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Add:
    monkeypatch.setenv("COLDWATCH_HOME", str(tmp_path))
    monkeypatch.setenv("COLDWATCH_DATABASE__PIPELINE_URL", gateway.database.pipeline_url)
    monkeypatch.setenv("COLDWATCH_GATEWAY__PORT", str(gateway.port))

    def run(id: str, kind: str, *more: str) -> dict:
        place = ("--enterprise", "paste", "--site", "s1")
        result = CliRunner().invoke(app, ["device", "add", id, "--kind", kind, *place, *more, "--json"])
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    return run


def paste(line: str, **variables: str) -> None:
    shell = subprocess.run(
        line, shell=True, env=os.environ | variables, capture_output=True, text=True, timeout=60
    )
    assert (shell.returncode, shell.stderr) == (0, "")


def values(gateway: RunningGateway, device: str) -> list[float]:
    points = {row[0] for row in gateway.rows(f"select id from point where device = '{device}'")}
    lines = [line for record in gateway.records(READINGS) for line in decode_lines(record.value)]
    return [line.v for line in lines if line.p in points]


def test_a_probes_line_is_a_reading(gateway: RunningGateway, add: Add) -> None:
    paste(add("paste-probe", "probe")["mosquitto_pub"])
    assert values(gateway, "paste-probe") == [4.1]


def test_a_doors_line_is_a_reading(gateway: RunningGateway, add: Add) -> None:
    paste(add("paste-door", "door")["mosquitto_pub"])
    assert values(gateway, "paste-door") == [0.0]


def test_an_instruments_line_is_a_result(gateway: RunningGateway, add: Add) -> None:
    paste(add("paste-instrument", "instrument")["mosquitto_pub"])
    results = [decode_result(record.value) for record in gateway.records(RESULTS)]
    assert [r.verdict for r in results if r.device == "paste-instrument"] == [Verdict.NEGATIVE]


def test_a_childs_line_is_a_reading_once_its_gateways_token_is_filled_in(
    gateway: RunningGateway, add: Add
) -> None:
    token = add("paste-gateway", "gateway")["token"]
    line = add("paste-child", "probe", "--behind", "paste-gateway")["mosquitto_pub"]
    catch_up(gateway)
    paste(line, GATEWAY_TOKEN=token)
    assert values(gateway, "paste-child") == [4.1]
    assert not [r for r in gateway.records(REJECTIONS) if b"paste-" in r.value]
