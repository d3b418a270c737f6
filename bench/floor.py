"""What a look costs by itself: `python -m bench.floor [--json]`, two minutes.

The same Kafka and PostgreSQL as ours, and programs that do nothing but pass on: a producer of aiokafka sends a record
to each of `--partitions`, a reader (Faust, or aiokafka alone) gets them, and one transaction (begin, a COPY, an
update of positions, commit) stores them. No MQTT, no admission, no judging, no ledger. `--looks` of these a second; as
with ours the fetch waits at the broker, and Faust's acknowledgements are off. What is over these figures is ours.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from itertools import product
from pathlib import Path

import uvloop
from pydantic import SecretStr

from bench import pipeline
from bench.cpu import cpu_seconds
from coldwatch.wiring import kafka
from coldwatch.wiring.connections import connect_database
from schemas.settings import DatabaseSettings, Settings
from stack.stack import Stack

TOPIC = "floor"
PARTITIONS = 8
"""Of the topic. Ten readings of 200/s touch six of them a look, fifty of 1,000/s all."""
SETTLE_S, MEASURE_S = 8.0, 20.0
FETCH_WAITS_MS = 1_000
ROWS = 10
"""How many readings a look has at 200/s and 20 looks a second."""
TABLE = """
create table floor_reading (at timestamptz not null, point int, value float8);
select create_hypertable('floor_reading', 'at');
create table floor_position (partition int primary key, position bigint not null);
insert into floor_position select n, 0 from generate_series(0, 7) n;
"""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.floor", description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--looks", type=float, nargs="*", default=[20.0])
    parser.add_argument("--partitions", type=int, nargs="*", default=[6, 8])
    parser.add_argument("--role", choices=ROLES)
    parser.add_argument("--kafka", default="")
    chosen = parser.parse_args()
    if chosen.role:
        settings = Settings.model_validate({"kafka": {"bootstrap": chosen.kafka}})
        uvloop.install()  # as ours have it
        ROLES[chosen.role](settings, chosen.looks[0], chosen.partitions[0], sys.stdin.readline().strip())
        return 0
    with tempfile.TemporaryDirectory(prefix="coldwatch-bench-") as directory:
        home = Path(directory)
        home.chmod(0o755)
        stack = Stack(Settings(home=home), (), tell=lambda line: print(line, file=sys.stderr, flush=True))
        stack.start()
        try:
            _prepare(stack.settings)
            for reader in ("faust", "aiokafka"):
                for looks, touched in product(chosen.looks, chosen.partitions):
                    found = measure(stack, reader, looks, touched)
                    print(json.dumps(found) if chosen.json else _text(found), flush=True)
        finally:
            stack.stop()
    return 0


def measure(stack: Stack, reader: str, looks: float, touched: int) -> dict[str, float | str]:
    """Milliseconds of CPU a look, by process, and what that is for a reading at 200/s."""
    started = [_start(stack.settings, role, looks, touched) for role in (reader, "producer")]
    try:
        time.sleep(SETTLE_S)
        before, began_s = _cpu(stack, started), time.monotonic()
        time.sleep(MEASURE_S)
        after, took_s = _cpu(stack, started), time.monotonic() - began_s
    finally:
        for process in started:
            process.terminate()
            process.wait()
    used = {name: (after[name] - before[name]) / took_s for name in after}
    cores = sum(used.values())
    each = {f"{name}_ms": round(value * 1000 / looks, 2) for name, value in used.items()}
    return {
        "reader": reader, "looks_per_s": looks, "partitions": touched, **each, "sum_ms": round(cores * 1000 / looks, 2),
        "cores": round(cores, 3), "us_per_reading_at_200": round(cores * 1e6 / 200),
    }  # fmt: skip


def _text(found: dict[str, float | str]) -> str:
    return "  ".join(f"{name} {value}" for name, value in found.items())


def _prepare(settings: Settings) -> None:
    from kafka.admin import NewTopic

    admin = kafka.admin(settings.kafka, "floor")
    admin.create_topics([NewTopic(TOPIC, PARTITIONS, 1)])
    admin.close()
    connection = connect_database(settings.database.owner_url, settings.database, "floor")
    with connection, connection.cursor() as cursor:
        cursor.execute(TABLE)
    connection.close()


def _start(settings: Settings, role: str, looks: float, touched: int) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "bench.floor", "--role", role, "--looks", str(looks)]
    command += ["--partitions", str(touched)]
    process = subprocess.Popen(
        [*command, "--kafka", settings.kafka.bootstrap], stdin=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    process.stdin.write(settings.database.owner_url.get_secret_value() + "\n")
    process.stdin.flush()
    return process


def _cpu(stack: Stack, started: list["subprocess.Popen[str]"]) -> dict[str, float]:
    reader, producer = (cpu_seconds(process.pid) for process in started)
    return pipeline.cpu_by_process(stack) | {"reader": reader, "producer": producer}


# -------------------------------------------------------------------- the programs


def produce(settings: Settings, looks: float, touched: int, owner_url: str) -> None:
    asyncio.run(_produce(settings, looks, touched))


async def _produce(settings: Settings, looks: float, touched: int) -> None:
    producer = kafka.async_producer(settings.kafka, "floor")
    await producer.start()
    while True:
        began_s = time.monotonic()
        batches = []
        for partition in range(touched):
            batch = producer.create_batch()
            batch.append(key=None, value=bytes(200), timestamp=None)
            batch.close()
            batches.append(await producer.send_batch(batch, TOPIC, partition=partition))
        await asyncio.gather(*batches)
        await asyncio.sleep(max(0.0, 1 / looks - (time.monotonic() - began_s)))


def read_with_aiokafka(settings: Settings, looks: float, touched: int, owner_url: str) -> None:
    asyncio.run(_read(settings, store_into(owner_url)))


async def _read(settings: Settings, store: Callable[[], None]) -> None:
    from aiokafka import AIOKafkaConsumer

    consumer = AIOKafkaConsumer(
        TOPIC, **kafka.options(settings.kafka), fetch_max_wait_ms=FETCH_WAITS_MS, group_id=None
    )
    await consumer.start()
    while True:
        if await consumer.getmany(timeout_ms=FETCH_WAITS_MS):
            await asyncio.to_thread(store)
            await asyncio.sleep(0.02)  # the batches of one departure arrive as one or two fetches


def read_with_faust(settings: Settings, looks: float, touched: int, owner_url: str) -> None:
    import mode.loop

    mode.loop.use("uvloop")
    import faust

    store = store_into(owner_url)
    app = faust.App(
        "floor", broker=f"aiokafka://{settings.kafka.bootstrap}", value_serializer="raw", web_enabled=False,
        datadir=tempfile.mkdtemp(), autodiscover=False, topic_disable_leader=True, topic_allow_declare=False,
        stream_recovery_delay=0.0,
    )  # fmt: skip
    topic = app.topic(TOPIC, value_type=bytes, value_serializer="raw", partitions=PARTITIONS, acks=False)
    stored_s = 0.0

    async def pass_on(stream: "faust.StreamT[bytes]") -> None:
        nonlocal stored_s
        async for _event in stream.events():
            if time.monotonic() - stored_s > 0.5 / looks:
                stored_s = time.monotonic()
                await asyncio.get_running_loop().run_in_executor(None, store)

    app.agent(topic)(pass_on)
    faust.Worker(app, quiet=True, override_logging=False, redirect_stdouts=False).execute_from_commandline()


def store_into(owner_url: str) -> Callable[[], None]:
    """One transaction as small as a batch of ours can be."""
    connection = connect_database(SecretStr(owner_url), DatabaseSettings(), "floor")
    lock = threading.Lock()

    def store() -> None:
        from io import StringIO

        now = time.time()
        lines = "".join(f"{time.strftime('%F %T', time.gmtime(now))}+00\t{n}\t4.0\n" for n in range(ROWS))
        with lock, connection, connection.cursor() as cursor:
            cursor.copy_expert("copy floor_reading from stdin", StringIO(lines))
            cursor.execute("update floor_position set position = position + 1")

    return store


ROLES = {"producer": produce, "aiokafka": read_with_aiokafka, "faust": read_with_faust}

if __name__ == "__main__":
    sys.exit(main())
