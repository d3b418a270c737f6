"""`coldwatch prepare` and every service started by hand, against a Kafka by SASL_SSL and a PostgreSQL by TLS alone."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from pydantic import SecretStr

from coldwatch.serve import SERVICES
from coldwatch.wiring.connections import connect_database
from schemas.secret_files import variable_of
from schemas.settings import Settings
from stack import caches
from stack.kafka import Kafka
from stack.local import PORTS, environment
from stack.ports import Ports
from stack.postgres import Postgres
from stack.program import plain_environment
from stack.secured import Secured
from stack.services import status_of
from stack.supervisor import Supervisor
from tests import certificates
from tests.waiting import until

pytestmark = pytest.mark.long

LIMIT_S = 60.0
PUBLISH = """
import sys, time, paho.mqtt.client as mqtt
host, port, device, topic = sys.argv[1:]
client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
client.username_pw_set(device, sys.stdin.readline().strip())
client.connect(host, int(port))
client.loop_start()
body = '{"at": %d, "seq": 1, "values": {"temperature": 4.1}}' % (time.time() * 1000)
client.publish(topic, body, qos=1).wait_for_publish(20)
client.disconnect()
"""


class Site:
    """Secured servers, and the environment of an operator: secrets in files, nothing else known."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.ports = Ports(home / "ports.json")
        cache, tls = caches.default_directory(), certificates.make(home / "tls")
        self.kafka = Kafka(
            caches.present(caches.kafka_jars(cache)), home / "kafka", self.ports.choose("kafka"),
            self.ports.choose("controller"), secured=Secured(tls, "coldwatch", "kafka-hush"),
        )  # fmt: skip
        self.postgres = Postgres(
            caches.present(caches.rootfs(cache)),
            home / "postgres",
            self.ports.choose("postgres"),
            "owner-hush",
            tls,
        )
        self.supervisor = Supervisor(home / "logs")
        groups = {name: {} for name in (*SERVICES, "kafka", "database")} | {
            "kafka": self.kafka.settings.model_copy(update={"password": SecretStr("")}),
            "database": self.postgres.settings.model_copy(update={"owner_url": SecretStr("")}),
        }
        for group, name in PORTS:
            groups[group] = dict(groups[group]) | {name: self.ports.choose(f"{group}.{name}")}
        plain = Settings.model_validate({"home": home / "data", "log_format": "json", **groups})
        known = {name: value for name, value in environment(plain).items() if value}
        self.environment = plain_environment() | known
        self.settings = plain
        self.secret(("kafka", "password"), "kafka-hush")

    def secret(self, path: tuple[str, str], value: str) -> None:
        file = self.home / "_".join(path)
        file.write_text(value + "\n")
        self.environment[variable_of(path) + "_FILE"] = str(file)

    def coldwatch(self, *arguments: str, **more: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "coldwatch", *arguments]
        done = subprocess.run(
            command, env=self.environment | more, capture_output=True, text=True, timeout=LIMIT_S
        )
        assert "hush" not in done.stdout + done.stderr
        return done

    def prepare(self) -> "subprocess.CompletedProcess[str]":
        (self.home / "owner").write_text(self.postgres.url)
        return self.coldwatch("prepare", COLDWATCH_DATABASE__OWNER_URL_FILE=str(self.home / "owner"))

    def ready(self, name: str) -> bool:
        return status_of(*SERVICES[name].health(self.settings), "/readyz") == 200

    def ask(self, statement: str) -> list[tuple[object, ...]]:
        url = SecretStr(self.postgres.url)
        connection = connect_database(url, self.postgres.settings, "test")
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement)
                return cursor.fetchall()
        finally:
            connection.close()


@pytest.fixture(scope="module")
def site(servers: object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = Site(tmp_path_factory.mktemp("secured"))
    try:
        made.supervisor.launch([made.kafka, made.postgres])
        yield made
    finally:
        made.supervisor.stop()


def test_prepare_and_each_service_by_hand_bring_one_reading_to_its_row(site: Site) -> None:
    first = site.prepare()
    assert first.returncode == 0, first.stderr
    for line in first.stdout.splitlines():
        if "_FILE=" in line:
            variable, _, file = line.rpartition(" ")[2].partition("=")
            assert Path(file).stat().st_mode & 0o777 == 0o600
            site.environment[variable] = file
    again = site.prepare()
    assert again.returncode == 0, again.stderr
    assert again.stdout.count("all there") == 3

    with ExitStack() as running:
        for name in SERVICES:
            log = running.enter_context((site.home / f"{name}.log").open("wb"))
            child = subprocess.Popen(
                [sys.executable, "-m", "coldwatch", "serve", name],
                env=site.environment, stdout=log, stderr=log,
            )  # fmt: skip
            running.callback(_stop, child)
        for name in SERVICES:
            until(lambda name=name: site.ready(name), LIMIT_S)
        wish = ("--kind", "probe", "--enterprise", "school", "--site", "kitchen", "--json")
        added = site.coldwatch("device", "add", "fridge", *wish)
        assert added.returncode == 0, added.stderr
        device = json.loads(added.stdout)
        subprocess.run(
            [sys.executable, "-c", PUBLISH, *map(str, device["mqtt"].values()), "fridge", device["topic"]],
            input=device["token"] + "\n", text=True, check=True, timeout=LIMIT_S,
        )  # fmt: skip
        until(lambda: site.ask("select value from reading") == [(4.1,)], LIMIT_S)
    assert not [log.name for log in site.home.glob("*.log") if b"hush" in log.read_bytes()]


def _stop(child: "subprocess.Popen[bytes]") -> None:
    child.terminate()
    try:
        assert child.wait(20) == 0
    finally:
        child.kill()
        child.wait()


def test_a_role_that_exists_keeps_its_password_and_a_wrong_one_is_told(site: Site) -> None:
    site.prepare()
    verifiers = "select rolname, rolpassword from pg_authid where rolname like 'coldwatch%' order by 1"
    before = site.ask(verifiers)
    files = {v: f for v, f in site.environment.items() if "_URL_FILE" in v}
    for variable in files:
        del site.environment[variable]
    url = f"host=127.0.0.1 port={_port(site)} dbname=coldwatch user=coldwatch_web password=web-hush"
    (site.home / "owner").write_text(site.postgres.url)
    refused = site.coldwatch(
        "prepare",
        COLDWATCH_DATABASE__OWNER_URL_FILE=str(site.home / "owner"),
        COLDWATCH_DATABASE__WEB_URL=url,
    )
    site.environment |= files
    assert (refused.returncode, site.ask(verifiers)) == (3, before)
    assert "COLDWATCH_DATABASE__WEB_URL" in refused.stderr


def _port(site: Site) -> str:
    return site.postgres.url.rpartition(":")[2].partition("/")[0]


@pytest.mark.parametrize(
    ("given", "variable"),
    [
        ({"COLDWATCH_DATABASE__OWNER_URL": ""}, "COLDWATCH_DATABASE__OWNER_URL"),
        ({"COLDWATCH_KAFKA__BOOTSTRAP": ""}, "COLDWATCH_KAFKA__BOOTSTRAP"),
        ({"COLDWATCH_KAFKA__CA_FILE": "/no/ca.pem"}, "COLDWATCH_KAFKA__CA_FILE"),
        ({"COLDWATCH_DATABASE__WEB_URL_FILE": "/no/web"}, "COLDWATCH_DATABASE__WEB_URL_FILE"),
        ({"COLDWATCH_DATABASE__WEB_URL": "postgresql://boss:hush@db/x"}, "COLDWATCH_DATABASE__WEB_URL"),
        ({"COLDWATCH_DATABASE__PORT": "hush"}, "COLDWATCH_DATABASE__PORT"),
    ],
    ids=lambda given: "" if isinstance(given, dict) else given,
)
def test_a_bad_setting_ends_prepare_with_2_and_names_its_variable(
    given: dict[str, str], variable: str, tmp_path: Path
) -> None:
    sound = {"COLDWATCH_KAFKA__BOOTSTRAP": "127.0.0.1:1", "COLDWATCH_KAFKA__SECURITY_PROTOCOL": "SSL"}
    done = subprocess.run(
        [sys.executable, "-m", "coldwatch", "prepare"],
        env=plain_environment() | sound | {"COLDWATCH_HOME": str(tmp_path)} | given,
        capture_output=True, text=True, timeout=LIMIT_S,
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    assert variable in done.stderr
    assert "hush" not in done.stdout + done.stderr
