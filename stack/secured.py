"""A local server that is spoken to by TLS: whose certificates it has, and who may enter Kafka."""

from dataclasses import dataclass, field
from pathlib import Path

from pydantic import SecretStr

from schemas.settings import KafkaSettings


@dataclass(frozen=True)
class Certificates:
    """PEM files: the CA that clients trust, and the server's certificate and unencrypted PKCS #8 key."""

    ca: Path
    certificate: Path
    key: Path


@dataclass(frozen=True)
class Secured:
    """Kafka by SASL_SSL alone, with one user who may do everything."""

    certificates: Certificates
    user: str
    password: str = field(repr=False)

    def properties(self, keystore: Path) -> str:
        """What the broker's configuration needs beside its listener; holds the password, so its file is 0600."""
        login = "org.apache.kafka.common.security.plain.PlainLoginModule required"
        us = f'username="{self.user}" password="{self.password}" user_{self.user}="{self.password}"'
        return (
            "\nsasl.enabled.mechanisms=PLAIN\nsasl.mechanism.inter.broker.protocol=PLAIN\n"
            f"listener.name.sasl_ssl.plain.sasl.jaas.config={login} {us};\n"
            f"ssl.keystore.type=PEM\nssl.keystore.location={keystore}\n"
            f"ssl.truststore.type=PEM\nssl.truststore.location={self.certificates.ca}\n"
        )

    def settings(self, bootstrap: str) -> KafkaSettings:
        """How a client reaches it."""
        return KafkaSettings(
            bootstrap=bootstrap,
            security_protocol="SASL_SSL",
            sasl_mechanism="PLAIN",
            user=self.user,
            password=SecretStr(self.password),
            ca_file=str(self.certificates.ca),
        )
