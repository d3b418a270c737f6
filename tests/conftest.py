"""Fixtures for all tiers. The servers' are lazy: a run of the unit tests starts nothing."""

import gc
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.servers import Database, Servers


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files marked `long` first: whoever is done with the short ones then waits for nobody."""
    long = {item.path for item in items if item.get_closest_marker("long")}
    items.sort(key=lambda item: item.path not in long)


@pytest.fixture(scope="session")
def servers() -> "Iterator[Servers]":
    """The session's real servers. Absent: skipped here with the reason, failed where CI is set."""
    from tests.servers import Servers, missing

    if reason := missing():
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    session = Servers()
    yield session
    session.stop()


@pytest.fixture(scope="session")
def kafka_bootstrap(servers: "Servers") -> str:
    """host:port of a real Kafka with our topics; give tests of their own data a prefix of their own."""
    return servers.kafka


@pytest.fixture(scope="session")
def database(servers: "Servers") -> "Database":
    """A real, migrated TimescaleDB shared by the session: owner_url, pipeline_url, web_url, reader_url."""
    return servers.database


@pytest.fixture
def fresh_database(servers: "Servers") -> "Iterator[Database]":
    """A real, migrated, empty TimescaleDB for one test."""
    made = servers.fresh_database()
    yield made
    servers.drop_database(made)


@pytest.fixture(scope="session")
def mosquitto(servers: "Servers") -> tuple[str, int]:
    """Host and port of a real mosquitto broker that lets everybody in."""
    return servers.mosquitto


@pytest.fixture(scope="module")
def sockets_collected() -> Iterator[None]:
    """Made before the module's other fixtures and ended after them: see `tests/refused_sockets.py`."""
    yield
    gc.collect()
