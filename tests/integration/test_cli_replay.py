"""`coldwatch replay` through a real gateway: every row ends on Kafka once, or is listed with its reason."""

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from coldwatch.cli import app
from coldwatch.operate.replay import Publisher, Target
from schemas.errors import Permanent
from schemas.reading import Line, decode_lines
from schemas.times import to_datetime
from schemas.topics import READINGS
from tests.catching_up import catch_up
from tests.gateways import ENTERPRISE, RunningGateway, running, telemetry
from tests.mqtt_client import RawClient
from tests.servers import Servers
from tests.waiting import until

Replay = Callable[..., Result]


@pytest.fixture(scope="module")
def gateway(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    database = servers.fresh_database()
    with running(
        tmp_path_factory.mktemp("gateway"), servers.kafka, database, slow_after_refusals=1000
    ) as found:
        yield found
    servers.drop_database(database)


@pytest.fixture
def device(gateway: RunningGateway, request: pytest.FixtureRequest) -> str:
    name = "r-" + hashlib.sha256(request.node.nodeid.encode()).hexdigest()[:12]
    gateway.enrol(name)
    return name


@pytest.fixture
def replay(gateway: RunningGateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Replay:
    """Writes the lines to a file and replays it as the device, with its token in the environment."""
    monkeypatch.setenv("COLDWATCH_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLDWATCH_DATABASE__PIPELINE_URL", gateway.database.pipeline_url)
    monkeypatch.setenv("COLDWATCH_GATEWAY__PORT", str(gateway.port))

    def run(device: str, lines: list[str], *options: str, token: str | None = None) -> Result:
        file = tmp_path / "trace.csv"
        file.write_text("time,value\n" + "\n".join(lines) + "\n")
        monkeypatch.setenv("COLDWATCH_DEVICE_TOKEN", gateway.tokens[device] if token is None else token)
        return CliRunner().invoke(app, ["replay", str(file), "--device", device, "--json", *options])

    return run


def report(result: Result) -> dict:
    return json.loads(result.stdout.splitlines()[-1])


def readings(gateway: RunningGateway, device: str) -> list[Line]:
    points = {row[0] for row in gateway.rows(f"select id from point where device = '{device}'")}
    found = [line for record in gateway.records(READINGS) for line in decode_lines(record.value)]
    return [line for line in found if line.p in points]


def test_every_row_of_a_trace_is_accepted_and_put_to_its_new_time(
    gateway: RunningGateway, device: str, replay: Replay
) -> None:
    lines = [f"2014-01-01 {n // 60:02}:{n % 60:02},{50 + n % 10}" for n in range(1_250)]
    result = replay(device, lines, "--time-column", "time", "--unit", "F", "--interval", "60s")
    said = report(result)
    assert (result.exit_code, said["accepted"], said["refused"], said["unusable"]) == (0, 1_250, 0, 0)
    found = readings(gateway, device)
    assert [line.seq for line in found] == list(range(1_250))
    assert [line.at // 1000 for line in found] == [
        said["last_at_ms"] - (1_249 - n) * 60_000 for n in range(1_250)
    ]
    assert found[0].v == 10.0
    assert found[5].v == 12.777778


def test_a_second_run_with_the_same_end_sends_the_same_identities_and_values(
    gateway: RunningGateway, device: str, replay: Replay
) -> None:
    lines = [f",{n / 7}" for n in range(300)]
    first = report(replay(device, lines))
    end = to_datetime(first["last_at_ms"] * 1000).isoformat()
    replay(device, lines, "--end", end)
    found = [(line.at, line.seq, line.v) for line in readings(gateway, device)]
    assert (len(found), len(set(found))) == (600, 300)


def test_rows_that_are_unusable_or_refused_are_listed_and_the_others_go_in(
    gateway: RunningGateway, device: str, replay: Replay
) -> None:
    lines = ["2014-01-01,4", "never,5", "2014-01-02,warm", "2014-01-03,85", "2014-01-04,-90", "2014-01-05,6"]
    result = replay(device, lines, "--time-column", "time", "--interval", "10s")
    said = report(result)
    assert result.exit_code == 1
    assert (said["rows"], said["accepted"], said["refused"], said["unusable"]) == (6, 2, 2, 2)
    assert said["refused_by_code"] == {"impossible": 2}
    assert [(one["line"], one["code"]) for one in said["listed"]] == [
        (3, "bad_time"),
        (4, "not_a_number"),
        (5, "impossible"),
        (6, "impossible"),
    ]
    assert [(line.seq, line.v) for line in readings(gateway, device)] == [(0, 4.0), (5, 6.0)]


def test_rows_older_than_thirty_days_are_refused_as_the_front_door_refuses_them(
    gateway: RunningGateway, device: str, replay: Replay
) -> None:
    said = report(replay(device, [f",{n}" for n in range(40)], "--interval", "1d"))
    assert (said["accepted"], said["refused_by_code"]) == (30, {"clock": 10})
    assert [one["line"] for one in said["listed"]] == list(range(2, 12))
    assert len(readings(gateway, device)) == 30


def test_with_a_speed_the_rows_go_one_by_one(gateway: RunningGateway, device: str, replay: Replay) -> None:
    result = replay(device, [",1", ",2", ",3"], "--interval", "1s", "--speed", "1000")
    assert (result.exit_code, report(result)["accepted"]) == (0, 3)
    assert [line.v for line in readings(gateway, device)] == [1.0, 2.0, 3.0]


def test_a_device_behind_a_gateway_is_replayed_with_the_gateways_token(
    gateway: RunningGateway, replay: Replay
) -> None:
    token = gateway.enrol("replay-g", "gateway")
    gateway.enrol("replay-child", behind="replay-g")
    catch_up(gateway)
    result = replay("replay-child", [",1", ",200"], token=token)
    assert (report(result)["accepted"], report(result)["refused"]) == (1, 1)
    assert [line.v for line in readings(gateway, "replay-child")] == [1.0]


@pytest.mark.parametrize(
    ("options", "token", "says"),
    [
        ((), "", "coldwatch device token"),
        ((), "wrong", "coldwatch device token"),
        (("--value-column", "temp"), None, "value"),
        (("--metric", "open"), None, "temperature"),
        (("--unit", "%RH"), None, "Cel"),
        (("--unit", "R"), None, "%RH"),
        (("--interval", "soon"), None, "60s"),
        (("--end", "2026-11-23T10:00:00"), None, "+08:00"),
        (("--token-file", "/nonexistent"), None, "/nonexistent"),
        (("--device", "nobody"), None, "device list"),
    ],
)
def test_what_cannot_be_done_is_said_with_its_remedy_and_nothing_is_sent(
    gateway: RunningGateway,
    device: str,
    replay: Replay,
    options: tuple[str, ...],
    token: str | None,
    says: str,
) -> None:
    result = replay(device, [",1"], *options, token=token)
    assert result.exit_code == 3
    assert says in result.stderr
    assert gateway.tokens[device] not in result.output
    assert readings(gateway, device) == []


def test_a_gateway_that_is_not_there_is_said_so(
    replay: Replay, device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLDWATCH_GATEWAY__PORT", "1")
    result = replay(device, [",1"])
    assert result.exit_code == 3
    assert "coldwatch status" in result.stderr


def test_a_second_replay_of_a_device_ends_the_first_and_the_device_itself_ends_neither(
    gateway: RunningGateway, device: str
) -> None:
    prefix = f"cw/v1/{ENTERPRISE}/{device}"
    token = gateway.tokens[device]
    publisher = Publisher(
        Target("127.0.0.1", gateway.port, device, token, f"{prefix}/telemetry", f"{prefix}/errors")
    )
    try:
        publisher.open()
        with RawClient(gateway.port) as real, RawClient(gateway.port) as second:
            real.sign_in(5, device, token)
            publisher.publish(telemetry(), 1)
            second.sign_in(5, device, token, client_id=f"replay-{device}")
            with pytest.raises(Permanent, match="elsewhere"):
                until(lambda: publisher.publish(telemetry(), 1), limit_s=20)
    finally:
        publisher.close()
