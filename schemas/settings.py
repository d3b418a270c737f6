"""Every setting of coldwatch, built once in the front door and handed down. See docs/settings.md.

Each comes from the environment as `COLDWATCH_<GROUP>__<NAME>`, e.g. `COLDWATCH_GATEWAY__PORT=1883`;
the two paths are `COLDWATCH_HOME` and `COLDWATCH_CACHE`. A secret may come from a file (`schemas.secret_files`).
An empty server address means "the local stack starts one".
"""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, Field, SecretStr
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from schemas.secret_files import PREFIX, SecretFiles


class KafkaSettings(BaseModel):
    """Where Kafka is, and how this installation's topics are called."""

    bootstrap: str = Field(
        "", description="host:port of an existing Kafka; empty: the local stack starts one"
    )
    prefix: str = Field(
        "", description="put before every topic's name, so that installations can share a Kafka"
    )
    port: int = Field(0, description="port of the local stack's Kafka; 0: a free one, remembered")
    request_timeout_s: float = Field(40.0, description="after this long an unanswered request has failed")
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="how Kafka is spoken to: PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL"
    )
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        "SCRAM-SHA-512", description="with SASL: PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512"
    )
    user: str = Field("", description="with SASL: who we are")
    password: SecretStr = Field(SecretStr(""), description="with SASL: the user's password")
    ca_file: str = Field("", description="with SSL: PEM file of the CAs to trust; empty: the system's")
    cert_file: str = Field("", description="with SSL: our own certificate (PEM), where Kafka asks for one")
    key_file: str = Field("", description="with SSL: that certificate's key; empty: it is in the same file")


class DatabaseSettings(BaseModel):
    """One URL (or libpq connection string) per role, so that each process holds only the rights it needs."""

    owner_url: SecretStr = Field(
        SecretStr(""), description="a superuser: `coldwatch prepare` alone, which makes roles and tables"
    )
    pipeline_url: SecretStr = Field(SecretStr(""), description="role of gateway, judge, frames and alerts")
    web_url: SecretStr = Field(
        SecretStr(""), description="role of the console; sees what row security allows"
    )
    reader_url: SecretStr = Field(SecretStr(""), description="read-only role over the published views")
    sslmode: Literal["", "disable", "allow", "prefer", "require", "verify-ca", "verify-full"] = Field(
        "", description="libpq's sslmode, for every role; verify-full is the safe one; empty: as the URL says"
    )
    sslrootcert: str = Field(
        "", description="PEM file of the CAs to trust, or `system`; empty: as the URL says"
    )
    sslcert: str = Field("", description="our own certificate (PEM), where the server asks for one")
    sslkey: str = Field("", description="that certificate's key, readable by us alone")
    port: int = Field(0, description="port of the local stack's PostgreSQL; 0: a free one, remembered")
    connect_timeout_s: int = Field(5, description="give up connecting after this long")
    statement_timeout_s: int = Field(30, description="give up a statement after this long")


class GatewaySettings(BaseModel):
    """Our MQTT front door."""

    host: str = Field("127.0.0.1", description="address to listen on")
    port: int = Field(0, description="MQTT port; 0: a free one, remembered by the local stack")
    health_port: int = Field(0, description="port of /healthz, /readyz, /metrics; 0: a free one")
    max_telemetry_bytes: int = Field(256 * 1024, description="largest telemetry, result, event packet")
    max_frame_bytes: int = Field(2 * 1024 * 1024, description="largest frame packet")
    max_buffered_bytes: int = Field(
        64 * 1024 * 1024,
        description="bytes received and not yet confirmed by Kafka; at it, sockets are not read",
    )
    max_connections: int = Field(20_000, description="connections at once; more are told 'server busy'")
    connect_timeout_s: float = Field(10.0, description="a connection must send CONNECT within this time")
    clock_interval_s: float = Field(1.0, description="how often a clock line goes into every partition")
    registry_refresh_s: float = Field(1.0, description="how often changes of the registry are fetched")
    slow_after_refusals: int = Field(5, description="refused sign-ins of one address before it is slowed")
    slow_s: float = Field(2.0, description="how long a slowed sign-in is kept waiting")


class JudgeSettings(BaseModel):
    """The Faust workers: judge and frames."""

    group: str = Field("coldwatch", description="consumer group's start; a second database needs another one")
    health_port: int = Field(0, description="port of /healthz, /readyz, /metrics; 0: a free one")
    batch_packs: int = Field(64, description="records taken at once")
    batch_spacing_s: float = Field(
        0.02, description="least time from one batch to the next while few records come"
    )
    checkpoint_interval_s: float = Field(5.0, description="how often rule state is stored with its offset")
    session_timeout_s: float = Field(8.0, description="after this long without a heartbeat a worker is dead")


class FramesSettings(BaseModel):
    health_port: int = Field(0, description="port of /healthz, /readyz, /metrics; 0: a free one")


class AlertsSettings(BaseModel):
    """From findings to incidents and people."""

    health_port: int = Field(0, description="port of /healthz, /readyz, /metrics; 0: a free one")


class ConsoleSettings(BaseModel):
    """The web."""

    host: str = Field("127.0.0.1", description="address to listen on")
    port: int = Field(0, description="HTTP port; 0: a free one, remembered by the local stack")
    health_port: int = Field(0, description="port of /healthz, /readyz, /metrics; 0: a free one")
    session_hours: float = Field(12.0, description="a sign-in ends after this long")
    secure_cookie: bool = Field(False, description="set when the console is served over HTTPS")


class EvidenceSettings(BaseModel):
    """Where images are kept, by their SHA-256."""

    directory: str = Field("", description="directory of the evidence store; empty: HOME/evidence")


class Settings(BaseSettings):
    """All settings. `home` holds data, logs and secrets of one installation; `cache` holds downloads."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="__", extra="forbid", hide_input_in_errors=True
    )

    home: Path = Field(Path(".coldwatch"), description="data, logs, secrets of one installation")
    cache: Path = Field(Path("~/.cache/coldwatch"), description="downloads shared by all installations")
    log_format: str = Field("auto", description="json, console, or auto: console on a terminal")
    health_host: str = Field(
        "127.0.0.1", description="address on which every service answers /healthz, /readyz, /metrics"
    )

    kafka: KafkaSettings = KafkaSettings()
    database: DatabaseSettings = DatabaseSettings()
    gateway: GatewaySettings = GatewaySettings()
    judge: JudgeSettings = JudgeSettings()
    frames: FramesSettings = FramesSettings()
    alerts: AlertsSettings = AlertsSettings()
    console: ConsoleSettings = ConsoleSettings()
    evidence: EvidenceSettings = EvidenceSettings()

    def evidence_directory(self) -> Path:
        return Path(self.evidence.directory) if self.evidence.directory else self.home / "evidence"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, SecretFiles(settings_cls)
