"""How Kafka and PostgreSQL are reached: wrong settings are told before they are tried."""

import pytest
from pydantic import SecretStr

from coldwatch.wiring import kafka
from coldwatch.wiring.connections import parts, with_parts
from processors.worker.app import credentials
from schemas.secret_files import BadSetting
from schemas.settings import KafkaSettings


def test_plain_kafka_needs_its_address_alone() -> None:
    found = kafka.options(KafkaSettings(bootstrap="k:9092"))
    assert found == {"bootstrap_servers": "k:9092", "security_protocol": "PLAINTEXT"}
    assert credentials(found) is None


def test_sasl_ssl_says_user_mechanism_and_checks_host_names() -> None:
    found = kafka.options(
        KafkaSettings(bootstrap="k:9093", security_protocol="SASL_SSL", user="u", password=SecretStr("p"))
    )
    assert (found["sasl_mechanism"], found["sasl_plain_username"]) == ("SCRAM-SHA-512", "u")
    assert found["ssl_context"].check_hostname
    faust = credentials(found)
    assert (faust.protocol.value, faust.mechanism.value, faust.password) == ("SASL_SSL", "SCRAM-SHA-512", "p")


def test_tls_alone_needs_no_user() -> None:
    found = kafka.options(KafkaSettings(bootstrap="k:9093", security_protocol="SSL"))
    assert credentials(found).protocol.value == "SSL"


@pytest.mark.parametrize(
    ("settings", "variable"),
    [
        (KafkaSettings(), "COLDWATCH_KAFKA__BOOTSTRAP"),
        (KafkaSettings(bootstrap="k", security_protocol="SASL_SSL"), "COLDWATCH_KAFKA__PASSWORD"),
        (
            KafkaSettings(bootstrap="k", security_protocol="SSL", ca_file="/no/ca.pem"),
            "COLDWATCH_KAFKA__CA_FILE",
        ),
    ],
)
def test_settings_that_cannot_do_name_their_variable(settings: KafkaSettings, variable: str) -> None:
    with pytest.raises(BadSetting, match=variable):
        kafka.options(settings)


def test_the_same_address_as_another_role_keeps_the_rest() -> None:
    url = SecretStr("postgresql://boss:p%40ss@db.example/cold?sslmode=require")
    changed = with_parts(url, user="coldwatch_web", password="a b'c\\d")
    assert parts(changed, "X") == {
        "user": "coldwatch_web", "password": "a b'c\\d", "host": "db.example", "dbname": "cold", "sslmode": "require",
    }  # fmt: skip


def test_an_address_that_is_none_is_told_without_showing_it() -> None:
    with pytest.raises(BadSetting, match="X_URL") as refused:
        parts(SecretStr("postgresql://u:hush@[bad"), "X_URL")
    assert "hush" not in str(refused.value)
