"""Kafka's jars, as `deploy/kafka/pom.xml` names them, fetched by Maven."""

from pathlib import Path

from stack import caches
from stack.setup.building import build_once
from stack.setup.steps import run


def install(cache: Path, log: Path) -> None:
    """Fetches the jars unless they are there. Raises SetupFailed."""

    def fetch(directory: Path) -> None:
        run(
            "Kafka",
            ["mvn", "-B", "-q", "-Dstyle.color=never", "-f", str(caches.POM), *goal(directory)],
            log,
            "Maven 取不到 Kafka：请检查网络，代理写在 ~/.m2/settings.xml / "
            "Maven cannot fetch Kafka: check the network; a proxy goes into ~/.m2/settings.xml",
        )

    build_once(caches.kafka_jars(cache), fetch)


def goal(directory: Path) -> list[str]:
    return [
        "org.apache.maven.plugins:maven-dependency-plugin:copy-dependencies",
        f"-DoutputDirectory={directory}",
    ]
