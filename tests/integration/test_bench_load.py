"""The bench's load client: its own log says what was acknowledged, and a killed gateway loses none of it."""

import asyncio
import signal
from io import StringIO
from pathlib import Path

import psycopg2

from bench import fleet
from bench.client import Report
from bench.load import Load
from ingest.registry import PostgresRegistry
from schemas.reading import decode_lines
from schemas.topics import READINGS
from tests.gateways import RunningGateway, running
from tests.servers import Database, Servers

READINGS_SENT = 60_000


def test_a_gateway_killed_under_load_loses_nothing_that_was_acknowledged(
    servers: Servers, fresh_database: Database, tmp_path: Path
) -> None:
    connection = psycopg2.connect(fresh_database.pipeline_url)
    devices = fleet.enrol(PostgresRegistry(connection), 20, 200)
    connection.close()
    log = StringIO()
    with running(tmp_path, servers.kafka, fresh_database) as gateway:
        report = asyncio.run(load_and_kill(gateway, devices, log))
        stored = identities_on_kafka(gateway)
    assert report.acknowledged == READINGS_SENT
    assert report.resent > 0
    lines = [line.rsplit(",", 3) for line in log.getvalue().splitlines()]
    acked = {(key, int(seq)) for key, seq, _, done in lines if done == "1"}
    assert len(acked) == READINGS_SENT
    assert acked <= stored


async def load_and_kill(gateway: RunningGateway, devices: fleet.Fleet, log: StringIO) -> Report:
    """Kills the gateway once a third is acknowledged; the runner starts it again."""
    load = Load(devices, "127.0.0.1", gateway.port, window=200, log=log)
    try:
        await load.connect()
        running = asyncio.create_task(load.run(READINGS_SENT))
        while load.report.acknowledged < READINGS_SENT // 3:  # noqa: ASYNC110 - a condition of another's making
            await asyncio.sleep(0.001)
        gateway.runner.kill(signal.SIGKILL)
        return await asyncio.wait_for(running, 60)
    finally:
        await load.close()


def identities_on_kafka(gateway: RunningGateway) -> set[tuple[str, int]]:
    """(device,metric,at_us as in the log; seq) of every reading."""
    names = dict(gateway.rows("select id, device || ',' || metric from point"))
    return {
        (f"{names[line.p]},{line.at}", line.seq)
        for record in gateway.records(READINGS)
        for line in decode_lines(record.value)
        if line.p
    }
