"""mosquitto_pub, mosquitto_sub and an unchanged paho client work against the front door as against any broker."""

import json
import shutil
import subprocess
from datetime import UTC, datetime, timedelta

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.reasoncodes import ReasonCode

from tests.e2e.program import Program
from tests.e2e.waiting import until

STORED = "select value from v_reading where device = %s and at = %s and metric = 'temperature'"
TELEMETRY = "cw/v1/tools/tool-probe/telemetry"
ERRORS = "cw/v1/tools/tool-probe/errors"
NOT_AUTHORIZED = 0x87
VERSIONS = {"mqttv311": MQTTProtocolVersion.MQTTv311, "mqttv5": MQTTProtocolVersion.MQTTv5}


@pytest.fixture(scope="module")
def token(program: Program) -> str:
    """Of device `tool-probe`, added as the documentation says."""
    if shutil.which("mosquitto_pub") is None:
        pytest.skip("no mosquitto_pub: run `make setup`")
    return program.add_device("tool-probe", "probe")


def tool(
    name: str, program: "Program", token: str, version: str, *arguments: str
) -> "subprocess.CompletedProcess[str]":
    """Runs one of mosquitto's tools as device `tool-probe` to its end."""
    line = command(name, program, token, version, *arguments)
    return subprocess.run(line, capture_output=True, text=True, timeout=40)


def command(name: str, program: "Program", token: str, version: str, *arguments: str) -> list[str]:
    host, port = program.mqtt
    return [name, "-h", host, "-p", str(port), "-u", "tool-probe", "-P", token, "-V", version, *arguments]


def sample(value: object) -> tuple[str, datetime]:
    """A message without seq, and so with a time of its own."""
    now = datetime.now(UTC)
    at = now.replace(microsecond=now.microsecond // 1000 * 1000)
    return json.dumps({"at": at.isoformat(), "values": {"temperature": value}}), at


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("qos", ["0", "1"])
def test_mosquitto_pub_brings_a_reading_to_its_row(
    program: Program, token: str, version: str, qos: str
) -> None:
    value = 3.0 + list(VERSIONS).index(version) + int(qos) / 10
    payload, at = sample(value)
    sent = tool("mosquitto_pub", program, token, version, "-q", qos, "-t", TELEMETRY, "-m", payload)
    assert sent.returncode == 0, sent.stderr
    rows = until(lambda: program.rows(STORED, "tool-probe", at), 20, "the row")
    assert rows


@pytest.mark.parametrize("version", VERSIONS)
def test_mosquitto_rr_hears_on_one_connection_why_its_message_was_refused(
    program: Program, token: str, version: str
) -> None:
    payload, _ = sample("warm")
    asking = tool(
        "mosquitto_rr",
        program,
        token,
        version,
        "-q",
        "1",
        "-W",
        "20",
        "-t",
        TELEMETRY,
        "-e",
        ERRORS,
        "-m",
        payload,
    )
    assert asking.returncode == 0, asking.stderr
    notice = json.loads(asking.stdout)
    assert (notice["code"], notice["path"]) == ("not_a_number", "$.values.temperature")
    assert "数字" in notice["zh"]
    assert "number" in notice["en"]


def test_mosquitto_sub_beside_mosquitto_pub_hears_why_the_message_was_refused(
    program: Program, token: str
) -> None:
    """Each tool has a client id of its own: both stay connected."""
    listen = command("mosquitto_sub", program, token, "mqttv311", "-d", "-C", "1", "-W", "30", "-t", ERRORS)
    by_line = ["stdbuf", "-oL", *listen]  # a pipe would keep what it says until its end
    with subprocess.Popen(by_line, stdout=subprocess.PIPE, text=True) as listener:
        assert listener.stdout is not None
        while "SUBACK" not in listener.stdout.readline():
            assert listener.poll() is None
        payload, _ = sample("warm")
        sent = tool("mosquitto_pub", program, token, "mqttv311", "-q", "1", "-t", TELEMETRY, "-m", payload)
        assert sent.returncode == 0, sent.stderr
        heard = listener.stdout.read()
    assert listener.returncode == 0
    assert "not_a_number" in heard


@pytest.mark.parametrize("version", VERSIONS)
def test_mosquitto_sub_may_listen_to_its_own_errors_and_to_nothing_else(
    program: Program, token: str, version: str
) -> None:
    own = tool("mosquitto_sub", program, token, version, "-t", ERRORS, "-E")
    assert (own.returncode, own.stderr) == (0, "")
    foreign = tool("mosquitto_sub", program, token, version, "-t", "cw/v1/xingfu/xingfu-probe-1/errors", "-E")
    assert "denied" in foreign.stderr


@pytest.mark.parametrize("version", VERSIONS)
def test_mosquitto_pub_with_a_wrong_token_is_told_so(program: Program, token: str, version: str) -> None:
    sent = tool("mosquitto_pub", program, token + "x", version, "-q", "1", "-t", TELEMETRY, "-m", "{}")
    assert sent.returncode != 0
    assert "not authori" in sent.stderr.lower() or "bad user name" in sent.stderr.lower(), sent.stderr


def test_who_sends_two_values_for_one_time_hears_to_count_seq_up(program: Program, token: str) -> None:
    """What is refused behind Kafka comes back to the device, by way of every gateway."""
    _, at = sample(0)
    heard: list[dict[str, str]] = []
    subscribed: list[object] = []
    client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
    client.username_pw_set("tool-probe", token)
    client.on_message = lambda _c, _u, message: heard.append(json.loads(message.payload))
    client.on_subscribe = lambda *_: subscribed.append(True)
    client.connect(*program.mqtt)
    client.loop_start()
    try:
        client.subscribe(ERRORS, qos=0)
        until(lambda: subscribed, 20, "SUBACK")
        for value in (4.1, 4.3):
            body = json.dumps({"at": at.isoformat(), "values": {"temperature": value}})
            client.publish(TELEMETRY, body, qos=1).wait_for_publish(20)
        until(lambda: [each for each in heard if each["code"] == "conflict"], 20, "the notice")
    finally:
        client.disconnect()
        client.loop_stop()
    (notice,) = [each for each in heard if each["code"] == "conflict"]
    assert "4.1 ≠ 4.3" in notice["zh"]
    assert "seq 递增" in notice["zh"]
    assert "count `seq` up" in notice["en"]
    assert notice["topic"] == TELEMETRY
    asked = "select publisher, disposition from v_rejection where device = 'tool-probe' and code = 'conflict'"
    assert program.rows(asked) == [("tool-probe", "quarantined")]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_paho_client_publishes_a_backlog_and_hears_of_a_foreign_name(
    program: Program, token: str, version: str
) -> None:
    heard: list[bytes] = []
    answers: dict[int, ReasonCode] = {}
    client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=VERSIONS[version])
    client.username_pw_set("tool-probe", token)
    client.on_message = lambda _c, _u, message: heard.append(message.payload)
    client.on_publish = lambda _c, _u, mid, code, _p: answers.update({mid: code})
    subscribed: list[object] = []
    client.on_subscribe = lambda *_: subscribed.append(True)
    client.connect(*program.mqtt)
    client.loop_start()
    try:
        client.subscribe(ERRORS, qos=0)
        until(lambda: subscribed, 20, "SUBACK")
        now = datetime.now(UTC).replace(microsecond=0)
        times = [now - timedelta(minutes=minutes) for minutes in range(200)]
        backlog = [{"at": at.isoformat(), "seq": 7, "values": {"temperature": 4.5}} for at in times]
        sound = client.publish(TELEMETRY, json.dumps(backlog), qos=1)
        foreign = client.publish("cw/v1/xingfu/xingfu-probe-1/telemetry", json.dumps(backlog[:1]), qos=1)
        until(lambda: {sound.mid, foreign.mid} <= set(answers), 20, "both PUBACKs")
        until(lambda: any(json.loads(each)["code"] == "not_yours" for each in heard), 20, "the notice")
        if version == "mqttv5":
            assert not answers[sound.mid].is_failure
            assert answers[foreign.mid].value == NOT_AUTHORIZED
        stored = "select 1 from v_reading where device = 'tool-probe' and seq = 7 and at = any(%s)"
        until(lambda: len(program.rows(stored, times)) == len(times), 20, "all rows of the backlog")
    finally:
        client.disconnect()
        client.loop_stop()
