"""How Kafka is reached, in one place: TLS, SASL, and every client of ours beside Faust's.

aiokafka and kafka-python take the same names for address and security, so one mapping serves both; Faust's credentials
are made from it in `processors.worker.app`. Building a client of kafka-python connects; one of aiokafka does not.
"""

import ssl
from typing import TYPE_CHECKING, Any

from schemas.secret_files import BadSetting
from schemas.settings import KafkaSettings

if TYPE_CHECKING:
    from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
    from kafka import KafkaConsumer, KafkaProducer
    from kafka.admin import KafkaAdminClient


def options(settings: KafkaSettings) -> dict[str, Any]:
    """Keyword arguments by which a client of aiokafka or kafka-python reaches Kafka; holds the password.

    Raises BadSetting when no Kafka is named, when SASL has no user or password, or when a certificate cannot be read.
    """
    if not settings.bootstrap:
        raise BadSetting(
            "没有设置 Kafka：请设 COLDWATCH_KAFKA__BOOTSTRAP，或用 coldwatch up / "
            "no Kafka is named: set COLDWATCH_KAFKA__BOOTSTRAP, or use `coldwatch up`"
        )
    found: dict[str, Any] = {
        "bootstrap_servers": settings.bootstrap,
        "security_protocol": settings.security_protocol,
    }
    if settings.security_protocol.endswith("SSL"):
        found["ssl_context"] = _tls(settings)
    if settings.security_protocol.startswith("SASL"):
        found |= _sasl(settings)
    return found


def _sasl(settings: KafkaSettings) -> dict[str, Any]:
    password = settings.password.get_secret_value()
    if not (settings.user and password):
        raise BadSetting(
            f"{settings.security_protocol} 需要 COLDWATCH_KAFKA__USER 和 COLDWATCH_KAFKA__PASSWORD（或 _FILE）/ "
            f"{settings.security_protocol} needs COLDWATCH_KAFKA__USER and COLDWATCH_KAFKA__PASSWORD (or ..._FILE)"
        )
    return {
        "sasl_mechanism": settings.sasl_mechanism,
        "sasl_plain_username": settings.user,
        "sasl_plain_password": password,
    }


def _tls(settings: KafkaSettings) -> ssl.SSLContext:
    """Certificates and host names are always checked; TLS 1.2 is the oldest that Python's default allows."""
    try:
        context = ssl.create_default_context(cafile=settings.ca_file or None)
        if settings.cert_file:
            context.load_cert_chain(settings.cert_file, settings.key_file or None)
    except (OSError, ssl.SSLError) as error:
        raise BadSetting(
            f"Kafka 的证书读不到，请检查 COLDWATCH_KAFKA__CA_FILE、__CERT_FILE、__KEY_FILE：{error} / "
            f"Kafka's certificates cannot be read, check COLDWATCH_KAFKA__CA_FILE, __CERT_FILE, __KEY_FILE: {error}"
        ) from None
    return context


def consumer(settings: KafkaSettings, name: str, **more: Any) -> "KafkaConsumer":
    """A consumer that joins no group and commits nothing. Raises kafka.errors.KafkaError when nobody answers."""
    from kafka import KafkaConsumer  # 0.1 s of import that most commands do not need

    fixed = {"client_id": f"coldwatch-{name}", "group_id": None, "enable_auto_commit": False}
    return KafkaConsumer(**options(settings), **fixed, **more)


def producer(settings: KafkaSettings, name: str, **more: Any) -> "KafkaProducer":
    """A producer that is idempotent and waits for all replicas. Raises kafka.errors.KafkaError."""
    from kafka import KafkaProducer

    fixed = {"client_id": f"coldwatch-{name}", "acks": "all", "enable_idempotence": True}
    return KafkaProducer(**options(settings), **fixed, **more)


def admin(settings: KafkaSettings, name: str, **more: Any) -> "KafkaAdminClient":
    """A client for topics. Raises kafka.errors.KafkaError when nobody answers."""
    from kafka.admin import KafkaAdminClient

    return KafkaAdminClient(**options(settings), client_id=f"coldwatch-{name}", **more)


def async_consumer(settings: KafkaSettings, topic: str, name: str, **more: Any) -> "AIOKafkaConsumer":
    """aiokafka's consumer of all of a topic, in no group, committing nothing; `start` connects it."""
    from aiokafka import AIOKafkaConsumer

    fixed = {"client_id": f"coldwatch-{name}", "group_id": None, "enable_auto_commit": False}
    return AIOKafkaConsumer(topic, **options(settings), **fixed, **more)


def async_producer(settings: KafkaSettings, name: str, **more: Any) -> "AIOKafkaProducer":
    """aiokafka's producer, idempotent, waiting for all replicas; `start` connects it."""
    from aiokafka import AIOKafkaProducer

    fixed = {"client_id": f"coldwatch-{name}", "acks": "all", "enable_idempotence": True}
    return AIOKafkaProducer(
        **options(settings), **fixed, request_timeout_ms=int(settings.request_timeout_s * 1000), **more
    )
