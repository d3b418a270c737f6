"""The front door as a process on a real Kafka and a real registry, with the clients that people use."""

import hashlib
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from ingest.evidence import DirectoryEvidence
from ingest.mqtt.server import stranger
from schemas.frame import decode_frame
from schemas.reading import CLOCK, Line, decode_lines
from schemas.rejection import HEADER, HEADER_STORED, decode_rejection
from schemas.result import decode_result
from schemas.topics import FRAMES, READINGS, REJECTIONS, RESULTS, partition_of
from tests.gateways import RunningGateway, running, telemetry
from tests.mqtt_client import RawClient, connect, packet, publish, subscribe
from tests.servers import Database, Servers
from tests.waiting import until

JPEG = (
    bytes.fromhex("ffd8ffe000104a46494600010100000100010000ffc0000b080010002001011100") + b"\xff\xda\x00" * 20
)


@pytest.fixture(scope="module")
def gateway(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    database: Database = servers.fresh_database()
    home = tmp_path_factory.mktemp("gateway")
    with running(home, servers.kafka, database, slow_after_refusals=1000) as found:
        yield found
    servers.drop_database(database)


@pytest.fixture
def device(gateway: RunningGateway, request: pytest.FixtureRequest) -> str:
    """A probe of the test's own; its token is in `gateway.tokens`."""
    name = "d-" + hashlib.sha256(request.node.nodeid.encode()).hexdigest()[:12]
    gateway.enrol(name)
    return name


def topic(device: str, channel: str = "telemetry") -> str:
    return f"cw/v1/e1/{device}/{channel}"


def lines_of(gateway: RunningGateway, device: str) -> list[Line]:
    """The readings and notes of one device that are on Kafka."""
    points = [row[0] for row in gateway.rows(f"select id from point where device = '{device}'")]
    records = [
        r for r in gateway.records(READINGS) if r.partition == partition_of(device, READINGS.partitions)
    ]
    return [line for r in records for line in decode_lines(r.value) if line.p in points or line.d == device]


def tool(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        if os.environ.get("CI"):
            pytest.fail(f"{name} is not installed")
        pytest.skip(f"{name} is not installed")
    return found


def mosquitto(name: str, gateway: RunningGateway, device: str, *arguments: str) -> list[str]:
    where = ["-h", "127.0.0.1", "-p", str(gateway.port), "-i", f"any-{device}"]
    return [tool(name), *where, "-u", device, "-P", gateway.tokens[device], *arguments]


# ---------------------------------------------------------------------- clients that people use


@pytest.mark.parametrize("protocol", ["mqttv311", "mqttv5"])
def test_mosquitto_pub_delivers(gateway: RunningGateway, device: str, protocol: str) -> None:
    done = subprocess.run(
        mosquitto("mosquitto_pub", gateway, device, "-V", protocol, "-q", "1", "-t", topic(device), "-s"),
        input=telemetry(7.25, seq=9),
        capture_output=True,
        timeout=20,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert [(line.v, line.seq) for line in lines_of(gateway, device)] == [(7.25, 9)]


def test_mosquitto_sub_hears_why_a_message_was_refused(gateway: RunningGateway, device: str) -> None:
    hub, child = f"{device}-hub", f"{device}-c"
    gateway.enrol(hub, "gateway")
    gateway.enrol(child, behind=hub)
    gateway.tokens[child] = gateway.rotate(child)
    listening = mosquitto(
        "mosquitto_sub", gateway, child, "-C", "1", "-W", "20", "-t", topic(child, "errors")
    )
    with RawClient(gateway.port) as sender:
        assert sender.sign_in(4, hub, gateway.tokens[hub])[3] == 0
        with subprocess.Popen(listening, stdout=subprocess.PIPE) as listener:
            # Nobody sees from outside when it has subscribed: send until it has heard, or given up after 20 s.
            until(lambda: _send_nonsense(sender, topic(child)) and listener.poll() is not None, 25, 0.2)
            notice = json.loads(listener.communicate()[0])
    assert (notice["code"], notice["path"], notice["topic"]) == ("bad_json", "$", topic(child))
    assert "JSON" in notice["zh"]
    assert "JSON" in notice["en"]
    assert notice["received_at"].endswith("Z")


def _send_nonsense(client: RawClient, on: str) -> bool:
    client.send(publish(4, on, b"nonsense", 1))
    return client.read()[0] == 0x40


class Paho:
    """paho-mqtt as a device would use it; `codes` are the PUBACKs' reason codes, `heard` what came down."""

    def __init__(self, gateway: RunningGateway, device: str, version: int) -> None:
        self.codes: list[ReasonCode] = []
        self.heard: list[bytes] = []
        self.left: list[ReasonCode] = []
        self.client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id="x",
            protocol=paho.MQTTv5 if version == 5 else paho.MQTTv311,
        )
        self.client.username_pw_set(device, gateway.tokens[device])
        self.client.on_publish = lambda client, data, mid, code, properties: self.codes.append(code)
        self.client.on_message = lambda client, data, message: self.heard.append(message.payload)
        self.client.on_disconnect = lambda client, data, flags, code, properties: self.left.append(code)
        self.client.connect("127.0.0.1", gateway.port)
        self.client.loop_start()
        until(self.client.is_connected, 10)

    def __enter__(self) -> "Paho":
        return self

    def __exit__(self, *error: object) -> None:
        self.client.disconnect()
        self.client.loop_stop()


@pytest.mark.parametrize("version", [4, 5])
def test_paho_delivers_many_in_order(gateway: RunningGateway, device: str, version: int) -> None:
    with Paho(gateway, device, version) as client:
        for seq in range(300):
            client.client.publish(topic(device), telemetry(4.0, seq), qos=1)
        until(lambda: len(client.codes) == 300, 20)
    assert not any(code.is_failure for code in client.codes)
    assert [line.seq for line in lines_of(gateway, device)] == list(range(300))


@pytest.mark.parametrize("version", [4, 5])
def test_paho_hears_why_its_own_message_was_refused(
    gateway: RunningGateway, device: str, version: int
) -> None:
    with Paho(gateway, device, version) as client:
        client.client.subscribe(topic(device, "errors"))
        client.client.publish(topic(device), b'{"at": 1, "values": {"temperature": "4.1"}}', qos=1)
        until(lambda: client.heard and client.codes, 10)
    assert json.loads(client.heard[0])["code"] == "not_a_number"
    assert client.codes[0].value == (0x99 if version == 5 else 0)


def test_qos_0_is_delivered_too(gateway: RunningGateway, device: str) -> None:
    with Paho(gateway, device, 4) as client:
        client.client.publish(topic(device), telemetry(5.5), qos=0)
        until(lambda: [line.v for line in lines_of(gateway, device)] == [5.5], 10)


# ---------------------------------------------------------------------- what is on Kafka


def test_packs_say_count_run_and_running_total(gateway: RunningGateway, device: str) -> None:
    with Paho(gateway, device, 4) as client:
        for seq in range(50):
            client.client.publish(topic(device), telemetry(4.0, seq), qos=1)
        until(lambda: len(client.codes) == 50, 20)
    runs = set()
    for partition in range(READINGS.partitions):
        total = 0
        for record in (r for r in gateway.records(READINGS) if r.partition == partition):
            headers = dict(record.headers)
            count = sum(line.p > 0 for line in decode_lines(record.value))
            total += count
            runs.add(headers["run"])
            assert (int(headers["count"]), int(headers["total"])) == (count, total)
    assert len(runs) == 1


def test_clock_lines_come_into_every_partition(gateway: RunningGateway) -> None:
    def clocks() -> dict[int, list[int]]:
        found: dict[int, list[int]] = {}
        for record in gateway.records(READINGS):
            found.setdefault(record.partition, []).extend(
                line.at for line in decode_lines(record.value) if line.n == CLOCK
            )
        return found

    until(lambda: all(len(clocks().get(n, ())) >= 3 for n in range(READINGS.partitions)), 20)
    assert all(times == sorted(times) for times in clocks().values())


def test_a_result_is_a_record_of_its_own(gateway: RunningGateway, device: str) -> None:
    name = f"{device}-i"
    gateway.enrol(name, "instrument")
    result = {
        "number": "7",
        "at": time.time_ns() // 1_000_000,
        "sample": "菠菜",
        "item": "农药残留",
        "verdict": "合格",
    }
    with Paho(gateway, name, 5) as client:
        client.client.publish(topic(name, "result"), json.dumps(result), qos=1)
        until(lambda: client.codes, 10)
    (record,) = [r for r in gateway.records(RESULTS) if r.key == name.encode()]
    assert decode_result(record.value).sample == "菠菜"
    assert record.partition == partition_of(name, RESULTS.partitions)


def test_a_frame_is_in_the_evidence_store_and_its_reference_on_kafka(
    gateway: RunningGateway, device: str
) -> None:
    name = f"{device}-cam"
    gateway.enrol(name, "camera")
    image, at_ms = JPEG + os.urandom(1_500_000), time.time_ns() // 1_000_000
    with Paho(gateway, name, 5) as client:
        client.client.publish(topic(name, f"frame/{at_ms}/3"), image, qos=1)
        until(lambda: client.codes, 10)
    (record,) = [r for r in gateway.records(FRAMES) if r.key == name.encode()]
    frame = decode_frame(record.value)
    assert (frame.at_us, frame.seq, frame.size_bytes) == (at_ms * 1000, 3, len(image))
    assert DirectoryEvidence(gateway.settings.evidence_directory()).get(frame.sha256) == image


def test_a_large_refused_frame_is_kept_in_the_evidence_store(gateway: RunningGateway, device: str) -> None:
    name = f"{device}-cam"
    gateway.enrol(name, "camera")
    raw = os.urandom(700_000)
    with Paho(gateway, name, 5) as client:
        client.client.publish(topic(name, "frame/1/1"), raw, qos=1)
        until(lambda: client.codes, 10)
    (record,) = [r for r in gateway.records(REJECTIONS) if r.key == name.encode()]
    headers = dict(record.headers)
    assert (record.value, decode_rejection(headers[HEADER]).code) == (b"", "bad_image")
    kept = DirectoryEvidence(gateway.settings.evidence_directory()).get(headers[HEADER_STORED].decode())
    assert kept == raw


def test_a_refused_message_is_kept_raw_and_noted_among_the_readings(
    gateway: RunningGateway, device: str
) -> None:
    with Paho(gateway, device, 4) as client:
        client.client.publish(topic(device), b"\xff\x00nonsense", qos=1)
        until(lambda: client.codes, 10)
    (record,) = [r for r in gateway.records(REJECTIONS) if r.key == device.encode()]
    rejection = decode_rejection(dict(record.headers)[HEADER])
    assert record.value == b"\xff\x00nonsense"
    assert (rejection.code, rejection.device, rejection.topic) == ("bad_json", device, topic(device))
    assert dict(record.headers)["count"] == b"1"
    assert [line.n for line in lines_of(gateway, device)] == ["refused:bad_json"]


@pytest.mark.parametrize(
    ("wrong", "code", "reason"),
    [
        ("cw/v1/e1/somebody-else/telemetry", "not_yours", 0x87),
        ("no/such/topic", "unknown_topic", 0x90),
        ("t" * 60_000, "unknown_topic", 0x90),
    ],
)
def test_a_foreign_or_unknown_topic_is_dead_lettered_and_the_connection_lives(
    gateway: RunningGateway, device: str, wrong: str, code: str, reason: int
) -> None:
    with Paho(gateway, device, 5) as client:
        client.client.publish(wrong, telemetry(), qos=1)
        client.client.publish(topic(device), telemetry(4.25), qos=1)
        until(lambda: len(client.codes) == 2, 10)
    assert [found.value for found in client.codes] == [reason, 0]
    found = [r for r in gateway.records(REJECTIONS) if r.key == device.encode()]
    assert code in [decode_rejection(dict(r.headers)[HEADER]).code for r in found]
    assert 4.25 in [line.v for line in lines_of(gateway, device)]


# ---------------------------------------------------------------------- sign-in and its ends


@pytest.mark.parametrize(("version", "code"), [(4, 4), (5, 0x86)])
def test_a_wrong_token_or_name_is_refused_counted_and_recorded(
    gateway: RunningGateway, device: str, version: int, code: int
) -> None:
    before = gateway.metric("refused_connections_total")
    for name in (device, f"{device}-nobody"):
        with RawClient(gateway.port) as client:
            assert client.sign_in(version, name, "wrong")[3] == code
            assert client.read() == b""
    assert gateway.metric("refused_connections_total") == before + 2
    until(
        lambda: (
            set(gateway.rows("select username, code from refusal"))
            >= {(device, "bad_token"), (stranger(f"{device}-nobody"), "unknown_device")}
        ),
        10,
    )


def test_a_device_enrolled_a_moment_ago_connects_at_once(gateway: RunningGateway, device: str) -> None:
    with RawClient(gateway.port) as client:
        assert client.sign_in(4, device, gateway.tokens[device]) == b"\x20\x02\x00\x00"


@pytest.mark.parametrize(("version", "goodbye"), [(4, b""), (5, b"\xe0")])
def test_the_same_device_s_second_connection_takes_over(
    gateway: RunningGateway, device: str, version: int, goodbye: bytes
) -> None:
    token = gateway.tokens[device]
    with RawClient(gateway.port) as first, RawClient(gateway.port) as second:
        first.sign_in(version, device, token)
        assert second.sign_in(version, device, token)[3] == 0
        said = first.read()
        assert (said[:1], said[3:4]) == (goodbye, b"\x8e" if goodbye else b"")
        if goodbye:
            assert first.read() == b""
        second.send(publish(version, topic(device), telemetry(), 1))
        assert second.read()[0] == 0x40


def test_retiring_a_device_cuts_its_connection(gateway: RunningGateway, device: str) -> None:
    with RawClient(gateway.port) as client:
        client.sign_in(5, device, gateway.tokens[device])
        gateway.retire(device)
        assert client.read()[2] == 0x98
        assert client.read() == b""
    with RawClient(gateway.port) as client:
        assert client.sign_in(5, device, gateway.tokens[device])[3] == 0x86


def test_a_new_token_ends_the_connection_of_the_old_one(gateway: RunningGateway, device: str) -> None:
    with RawClient(gateway.port) as client:
        client.sign_in(5, device, gateway.tokens[device])
        token = gateway.rotate(device)
        assert client.read()[2] == 0x87
    with RawClient(gateway.port) as client:
        assert client.sign_in(5, device, token)[3] == 0


def test_a_child_moved_out_by_retiring_is_not_the_gateway_s_any_more(
    gateway: RunningGateway, device: str
) -> None:
    hub, child = f"{device}-hub", f"{device}-c"
    gateway.enrol(hub, "gateway")
    gateway.enrol(child, behind=hub)
    with RawClient(gateway.port) as client:
        client.sign_in(5, hub, gateway.tokens[hub])
        client.send(publish(5, topic(child), telemetry(), 1))
        assert client.read() == b"\x40\x02\x00\x01"
        gateway.retire(child)

        def refused() -> bool:
            client.send(publish(5, topic(child), telemetry(), 2))
            return client.read() == b"\x40\x03\x00\x02\x87"

        until(refused, 10)


def test_a_device_subscribes_to_its_own_topics_alone(gateway: RunningGateway, device: str) -> None:
    with RawClient(gateway.port) as client:
        client.sign_in(5, device, gateway.tokens[device])
        wanted = [topic(device, "errors"), topic(device, "config"), topic("other", "errors"), "#"]
        client.send(subscribe(5, 1, wanted))
        assert list(client.read()[5:]) == [0, 0, 0x87, 0xA2]


# ---------------------------------------------------------------------- streams that cannot go on


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (packet(0x32, b"\x00\xffx"), 0x81),
        (packet(0x34, b"\x00\x01t\x00\x00\x00"), 0x81),
        (b"\x32\xff\xff\xff\x7f\x00\x01t", 0x95),
        (publish(5, "a/#", b"", 1), 0x90),
        (publish(5, "", b"", 1), 0x82),
        (connect(5, "d", "t"), 0x82),
    ],
)
def test_a_broken_stream_is_ended_with_its_code_and_what_came_before_is_kept(
    gateway: RunningGateway, device: str, data: bytes, code: int
) -> None:
    for version in (4, 5):
        with RawClient(gateway.port) as client:
            client.sign_in(version, device, gateway.tokens[device])
            client.send(publish(version, topic(device), telemetry(4.75, version), 1) + data)
            answers = []
            while answer := client.read():
                answers.append(answer)
            assert answers[0] == b"\x40\x02\x00\x01"  # first what is owed
            goodbyes = [answer[2] for answer in answers if answer[0] == 0xE0]
            if version == 5:
                assert goodbyes == [code]
            else:
                assert goodbyes == []
    until(lambda: {line.seq for line in lines_of(gateway, device) if line.p} == {4, 5}, 10)


def test_a_telemetry_payload_at_the_limit_is_taken_and_one_above_it_is_refused_and_the_stream_goes_on(
    gateway: RunningGateway, device: str
) -> None:
    limit = gateway.settings.gateway.max_telemetry_bytes
    with RawClient(gateway.port) as client:
        client.sign_in(4, device, gateway.tokens[device])
        client.send(publish(4, topic(device), telemetry(6.5).ljust(limit), 1))
        assert client.read() == b"\x40\x02\x00\x01"
        for mid, size in ((2, limit + 1), (3, 5 * limit)):
            client.send(publish(4, topic(device), telemetry(7.5).ljust(size), mid))
            assert client.read() == b"\x40\x02\x00" + bytes((mid,))
        client.send(publish(4, topic(device), telemetry(8.5), 4))
        assert client.read() == b"\x40\x02\x00\x04"
    lines = lines_of(gateway, device)
    assert [line.v for line in lines if line.p] == [6.5, 8.5]
    assert [line.n for line in lines if not line.p] == ["refused:too_large"] * 2


def test_a_connection_without_connect_is_cut(servers: Servers, tmp_path: Path, database: Database) -> None:
    with running(tmp_path, servers.kafka, database, connect_timeout_s=1.0) as impatient:
        with RawClient(impatient.port) as client:
            assert client.read() == b""


def test_repeated_wrong_tokens_are_slowed_but_a_right_one_is_not(
    servers: Servers, tmp_path: Path, database: Database
) -> None:
    with running(tmp_path, servers.kafka, database, slow_after_refusals=2, slow_s=1.0) as strict:
        strict.enrol("slow-1")
        took = []
        for _ in range(4):
            with RawClient(strict.port) as client:
                before = time.monotonic()
                client.sign_in(4, "slow-1", "wrong")
                took.append(time.monotonic() - before)
        assert min(took[2:]) >= 1.0
        with RawClient(strict.port) as client:
            assert client.sign_in(4, "slow-1", strict.tokens["slow-1"])[3] == 0


def test_sigterm_acknowledges_what_is_in_hand_and_says_goodbye(
    servers: Servers, tmp_path: Path, database: Database
) -> None:
    with running(tmp_path, servers.kafka, database) as ending:
        ending.enrol("end-1")
        with RawClient(ending.port) as client:
            client.sign_in(5, "end-1", ending.tokens["end-1"])
            client.send(publish(5, topic("end-1"), telemetry(), 1))
            assert client.read()[0] == 0x40
            ending.runner.pause()
            assert client.read()[2] == 0x8B
            assert client.read() == b""
        assert [line.p > 0 for line in lines_of(ending, "end-1")] == [True]


def test_the_properties_of_mqtt_5_reach_a_paho_client(gateway: RunningGateway, device: str) -> None:
    told: list[Properties] = []
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id="", protocol=paho.MQTTv5)
    client.username_pw_set(device, gateway.tokens[device])
    client.on_connect = lambda client, data, flags, code, properties: told.append(properties)
    client.connect("127.0.0.1", gateway.port)
    client.loop_start()
    until(lambda: told, 10)
    client.disconnect()
    client.loop_stop()
    assert (told[0].RetainAvailable, told[0].TopicAliasMaximum) == (0, 0)
    assert not hasattr(told[0], "MaximumQoS")  # which means 2
    assert told[0].AssignedClientIdentifier.startswith(f"{device}-")
