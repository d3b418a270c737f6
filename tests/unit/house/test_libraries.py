"""Pure by default: what the stages' modules may import, the edges listed with their reason; and the files that may
import a library that is an edge in itself."""

from functools import cache

import grimp
import pytest

HOUSE = ("city", "stack", "coldwatch", "console", "ingest", "processors", "alerts", "history", "schemas")
STAGES = ("schemas", "ingest", "processors", "alerts", "history")
IMPURE = frozenset({
    "asyncio", "logging", "os", "pathlib", "random", "secrets", "shutil", "socket", "subprocess", "tempfile",
    "threading", "time",
    "aiokafka", "cv2", "fastapi", "faust", "kafka", "paho", "prometheus_client", "psycopg2", "starlette", "structlog",
    "uvicorn", "uvloop",
})  # fmt: skip
"""Clocks, chance, sockets, files, threads, and libraries that hold one of these."""

EDGES = {
    "alerts.channels": "the table of channels names its rows",
    "alerts.channels.log": "writes to the log",
    "alerts.channels.topic": "writes to Kafka",
    "alerts.consumer": "reads Kafka in a thread",
    "alerts.incidents": "reads and writes through a journal",
    "alerts.journal_postgres": "speaks SQL",
    "alerts.outbox": "a thread that sends",
    "alerts.routes": "answers HTTP",
    "history.curve": "speaks SQL",
    "history.devices": "speaks SQL",
    "history.records": "speaks SQL",
    "history.routes": "answers HTTP",
    "ingest.delivery": "waits for departures and confirmations",
    "ingest.evidence": "writes files",
    "ingest.kept_connection": "holds a database connection",
    "ingest.mqtt.connection": "a socket's conversation",
    "ingest.mqtt.bound": "logs when reading stops",
    "ingest.mqtt.listener": "opens the listening sockets",
    "ingest.mqtt.metrics": "counts for Prometheus",
    "ingest.mqtt.server": "MQTT's server: accepts, times out, stops",
    "ingest.mqtt.sign_in": "passwords are checked in a thread",
    "ingest.producer": "writes to Kafka",
    "ingest.producer_memory": "the twin of ingest.producer, awaited like it",
    "ingest.refusals": "writes refusals down in the background",
    "ingest.registry": "speaks SQL, makes secrets",
    "ingest.registry_memory": "the twin of ingest.registry, makes secrets like it",
    "ingest.registry_rows": "speaks SQL",
    "ingest.registry_watch": "listens to the database",
    "processors.frames.handler": "times its batches",
    "processors.frames.images": "reads files",
    "processors.frames.memory": "the twin of processors.frames.store",
    "processors.frames.store": "speaks SQL",
    "processors.frames.vision": "the table of checks names its rows",
    "processors.frames.vision._child": "a process of its own that decodes images",
    "processors.frames.vision.black": "looks at a decoded image",
    "processors.frames.vision.covered": "looks at a decoded image",
    "processors.frames.vision.decode": "starts the decoding process",
    "processors.frames.vision.frozen": "looks at a decoded image",
    "processors.frames.vision.image": "OpenCV's arrays",
    "processors.judge.handler": "times its batches",
    "processors.judge.memory": "the twin of processors.judge.store",
    "processors.judge.store": "speaks SQL",
    "processors.worker.app": "Faust",
    "processors.worker.database": "speaks SQL",
    "processors.worker.drain": "sends what is unsent",
    "processors.worker.memory": "the twin of processors.worker.offsets",
    "processors.worker.meters": "counts for Prometheus",
    "processors.worker.offsets": "speaks SQL",
    "processors.worker.patience": "waits for a database that is away",
    "processors.worker.reader": "Faust's consumer",
    "processors.worker.turns": "times its batches",
    "processors.worker.watchdog": "a clock over the batches",
    "schemas.secret_files": "reads files",
    "schemas.settings": "reads the environment",
}

HELD = {
    "paho": {
        "city.publisher": "the simulated devices",
        "coldwatch.operate.replay": "a recorded trace is sent as a device sends it",
    },
    "faust": {"processors.worker.app": "the workers", "processors.worker.reader": "how they read"},
    "aiokafka": {
        "coldwatch.wiring.kafka": "clients are built here",
        "ingest.producer": "its errors",
        "coldwatch.wiring.notices": "its errors",
    },
    "cv2": {
        "city.cameras": "draws what a camera sees",
        "processors.frames.vision._child": "decodes",
        "processors.frames.vision.image": "looks",
    },
    "fastapi": {
        "alerts.routes": "incidents",
        "console.app": "the application",
        "console.page": "the page",
        "console.problems": "refusals as answers",
        "console.routes": "people and sessions",
        "console.stream": "the live stream",
        "coldwatch.serve.console": "the service",
        "history.routes": "devices and curves",
    },
    "uvicorn": {"coldwatch.serve.console": "the service"},
    "uvloop": {"coldwatch.serve.gateway": "the service"},
}
SPEAK_SQL = {
    "alerts.journal_postgres", "console.people", "console.session", "history.curve", "history.devices",
    "history.records", "ingest.kept_connection", "ingest.refusals", "ingest.registry", "ingest.registry_rows",
    "ingest.registry_watch", "processors.frames.store", "processors.judge.store", "processors.worker.database",
    "processors.worker.offsets",
    "coldwatch.operate.backlog", "coldwatch.operate.migrate", "coldwatch.operate.prepare", "coldwatch.operate.roles",
    "coldwatch.operate.waiting",
    "coldwatch.wiring.connections", "coldwatch.wiring.news", "coldwatch.wiring.transactions",
}  # fmt: skip
SAY_IT_IS_AWAY = {
    "city.demo", "city.simulate_command", "coldwatch.cli.person", "coldwatch.cli.prepare", "coldwatch.cli.registry",
    "coldwatch.cli.replay", "stack.doctor", "stack.flow", "stack.postgres", "stack.status",
}  # fmt: skip
"""Commands, and the local stack that looks after its server: they say in a sentence that the database is away."""


@cache
def graph() -> grimp.ImportGraph:
    return grimp.build_graph(*HOUSE, include_external_packages=True)


def stage_modules() -> set[str]:
    return {module for module in graph().modules if module.split(".")[0] in STAGES}


def imports(module: str) -> set[str]:
    return graph().find_modules_directly_imported_by(module)


def test_what_is_not_listed_as_an_edge_touches_no_clock_no_socket_no_library_that_does() -> None:
    found = {module: imports(module) & IMPURE for module in stage_modules() - EDGES.keys()}
    assert {module: names for module, names in found.items() if names} == {}


def test_pure_modules_stand_on_no_edge() -> None:
    found = {module: imports(module) & EDGES.keys() for module in stage_modules() - EDGES.keys()}
    assert {module: names for module, names in found.items() if names} == {}


@pytest.mark.parametrize("module", EDGES)
def test_every_listed_edge_is_one(module: str) -> None:
    assert module in stage_modules()
    assert imports(module) & (IMPURE | EDGES.keys())


@pytest.mark.parametrize("library", HELD)
def test_a_library_is_imported_by_its_files_alone(library: str) -> None:
    assert graph().find_modules_that_directly_import(library) == HELD[library].keys()


def test_the_database_is_spoken_to_in_its_files_alone() -> None:
    assert graph().find_modules_that_directly_import("psycopg2") == SPEAK_SQL | SAY_IT_IS_AWAY
