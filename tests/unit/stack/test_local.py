"""Settings of a local stack: completed, handed to services by environment, found again by other commands."""

import json
from pathlib import Path

import pytest
from pydantic import SecretStr

from coldwatch.serve import SERVICES
from coldwatch.wiring import saved_settings
from coldwatch.wiring.connections import parts
from schemas.secret_files import secret_paths, variable_of
from schemas.settings import DatabaseSettings, GatewaySettings, KafkaSettings, Settings
from stack import local
from stack.ports import Ports
from stack.services import NAMES, Service, programs

PASSWORDS = {"superuser": "s-secret", "pipeline": "p-secret", "web": "w-secret", "reader": "r-secret"}


@pytest.fixture(autouse=True)
def no_outer_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    for name in [name for name in os.environ if name.startswith("COLDWATCH_")]:
        monkeypatch.delenv(name)


def completed(home: Path, settings: Settings | None = None) -> Settings:
    settings = settings or Settings(home=home)
    return local.complete(settings, Ports(home / "run" / "ports.json"), PASSWORDS)


def test_every_port_and_address_is_known_once_completed(tmp_path: Path) -> None:
    settings = completed(tmp_path)
    ports = [getattr(getattr(settings, group), name) for group, name in local.PORTS]
    assert all(ports)
    assert len(set(ports)) == len(ports)
    assert settings.kafka.bootstrap == f"127.0.0.1:{settings.kafka.port}"
    for role in ("pipeline", "web", "reader"):
        assert parts(getattr(settings.database, f"{role}_url"), role) == {
            "user": f"coldwatch_{role}",
            "password": PASSWORDS[role],
            "host": "127.0.0.1",
            "port": str(settings.database.port),
            "dbname": "coldwatch",
        }


def test_an_existing_kafka_and_database_are_kept(tmp_path: Path) -> None:
    given = Settings(
        home=tmp_path,
        kafka=KafkaSettings(bootstrap="kafka.example:9092"),
        database=DatabaseSettings(owner_url=SecretStr("postgresql://boss:pw@db.example:5432/cold")),
    )
    settings = completed(tmp_path, given)
    assert not local.starts_database(given)
    assert settings.kafka.bootstrap == "kafka.example:9092"
    assert settings.database.owner_url.get_secret_value() == "postgresql://boss:pw@db.example:5432/cold"
    web = parts(settings.database.web_url, "web")
    assert web == {
        "user": "coldwatch_web", "password": "w-secret", "host": "db.example", "port": "5432", "dbname": "cold",
    }  # fmt: skip


def test_a_role_url_that_is_set_is_kept(tmp_path: Path) -> None:
    url = SecretStr("postgresql://p:x@db.example/cold")
    given = Settings(home=tmp_path, database=DatabaseSettings(pipeline_url=url, web_url=url, reader_url=url))
    settings = completed(tmp_path, given)
    assert settings.database.pipeline_url == url
    assert settings.database.owner_url.get_secret_value() == ""


def test_two_homes_share_no_port(tmp_path: Path) -> None:
    one, other = completed(tmp_path / "one"), completed(tmp_path / "other")
    numbers = [{getattr(getattr(s, group), name) for group, name in local.PORTS} for s in (one, other)]
    assert not numbers[0] & numbers[1]


def test_the_environment_builds_the_same_settings_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = completed(tmp_path)
    for name, value in local.environment(settings).items():
        monkeypatch.setenv(name, value)
    assert Settings() == settings


def test_other_commands_find_what_the_stack_has_chosen(tmp_path: Path) -> None:
    settings = completed(tmp_path)
    local.save(settings)
    assert saved_settings.of_running(Settings(home=tmp_path)) == settings
    assert (tmp_path / "run" / "settings.json").stat().st_mode & 0o777 == 0o600


def test_what_is_set_explicitly_wins_over_what_the_stack_has_chosen(tmp_path: Path) -> None:
    local.save(completed(tmp_path))
    asked = Settings(home=tmp_path, gateway=GatewaySettings(port=1883))
    found = saved_settings.of_running(asked)
    assert found.gateway.port == 1883
    assert found.gateway.health_port != 0


def test_a_home_that_never_ran_changes_nothing(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    assert saved_settings.of_running(settings) is settings


@pytest.mark.parametrize("kind", SERVICES.values(), ids=lambda kind: kind.name)
def test_a_service_is_given_its_own_roles_alone(tmp_path: Path, kind: object) -> None:
    secured = KafkaSettings(user="coldwatch", password=SecretStr("k-secret"))
    service = Service(kind, completed(tmp_path, Settings(home=tmp_path, kafka=secured)))  # type: ignore[arg-type]
    environment = service.environment()
    given = {path for path in secret_paths(Settings) if environment[variable_of(path)]}
    assert given == set(kind.secrets)  # type: ignore[attr-defined]
    assert ("database", "owner_url") not in given


def test_no_secret_is_in_an_argument_vector(tmp_path: Path) -> None:
    settings = completed(tmp_path)
    for service in programs(NAMES, settings):
        assert "secret" not in json.dumps(service.command())


def test_an_unknown_service_is_named(tmp_path: Path) -> None:
    with pytest.raises(LookupError, match="no service frmaes"):
        programs(("gateway", "frmaes"), completed(tmp_path))
