"""The frames worker as a process on a real Kafka and TimescaleDB, killed in the middle, with an evidence directory."""

import hashlib
import os
import secrets
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg2
import pytest
from kafka import KafkaConsumer, KafkaProducer
from msgspec.structs import replace
from pydantic import SecretStr

from bench.kitchen import Segment, Sequence, draw_sequence
from coldwatch.operate import ledger, topics
from ingest.evidence import DirectoryEvidence
from schemas.finding import Finding, decode_finding
from schemas.frame import FrameReference, decode_frame, encode_frame
from schemas.settings import DatabaseSettings, KafkaSettings, Settings
from schemas.topics import FINDINGS, FRAMES, partition_of
from stack.ports import Ports
from tests.servers import Database
from tests.waiting import until

pytestmark = pytest.mark.long

START_US = 1_780_000_000_000_000
STEP_US = 2_000_000
CAMERAS = ("frames-cam-1", "frames-cam-2", "frames-cam-3")
LIMIT_S = 60.0


@dataclass
class Site:
    """One installation of a worker: its topics, database, evidence, and the process that runs on them."""

    kafka: str
    database: Database
    home: Path
    prefix: str
    port: int
    process: "subprocess.Popen[bytes] | None" = None
    sent: dict[str, int] = field(default_factory=dict)

    def start(self) -> None:
        environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("COLDWATCH_")},
            "COLDWATCH_HOME": str(self.home),
            "COLDWATCH_KAFKA__BOOTSTRAP": self.kafka,
            "COLDWATCH_KAFKA__PREFIX": self.prefix,
            "COLDWATCH_DATABASE__PIPELINE_URL": self.database.pipeline_url,
            "COLDWATCH_FRAMES__HEALTH_PORT": str(self.port),
            "COLDWATCH_JUDGE__CHECKPOINT_INTERVAL_S": "0.5",
            "COLDWATCH_JUDGE__SESSION_TIMEOUT_S": "6",
        }
        with (self.home / "frames.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "coldwatch", "serve", "frames"],
                env=environment,
                stderr=log,
                stdout=log,
            )

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait(10)

    def stop(self) -> int:
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)

    def is_ready(self) -> bool:
        return self.page("readyz") == "ok"

    def page(self, name: str) -> str:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/{name}", timeout=2) as answer:
                return str(answer.read().decode())
        except (OSError, urllib.error.URLError):
            return ""

    def ask(self, statement: str, *values: object) -> list[tuple[object, ...]]:
        connection = psycopg2.connect(self.database.owner_url)
        try:
            with connection, connection.cursor() as cursor:
                cursor.execute(statement, values)
                return list(cursor.fetchall()) if cursor.description else []
        finally:
            connection.close()

    def publish(self, values: list[tuple[str, bytes]]) -> None:
        producer = KafkaProducer(bootstrap_servers=self.kafka)
        for camera, value in values:
            partition = partition_of(camera, FRAMES.partitions)
            producer.send(self.prefix + FRAMES.name, value=value, key=camera.encode(), partition=partition)
        producer.flush(30)
        producer.close()

    def stored(self) -> int:
        return int(str(self.ask("select coalesce(sum(accepted), 0) from ledger")[0][0]))

    def findings_sent(self, count: int) -> list[Finding]:
        """The first `count` versions on the topic; fewer when they do not come in time."""
        consumer = KafkaConsumer(
            self.prefix + FINDINGS.name,
            bootstrap_servers=self.kafka,
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            consumer_timeout_ms=20_000,
        )
        found = []
        try:
            for message in consumer:
                found.append(decode_finding(message.value))
                if len(found) == count:
                    break
        finally:
            consumer.close()
        return found


@pytest.fixture
def site(kafka_bootstrap: str, fresh_database: Database, tmp_path: Path) -> Iterator[Site]:
    prefix = f"frames-{secrets.token_hex(4)}-"
    topics.ensure(KafkaSettings(bootstrap=kafka_bootstrap, prefix=prefix))
    port = Ports(tmp_path / "ports.json").choose("frames")
    made = Site(kafka_bootstrap, fresh_database, tmp_path, prefix, port)
    made.ask("insert into county values ('c', 'County')")
    made.ask("insert into enterprise values ('e', 'Enterprise', 'c')")
    made.ask("insert into site values ('e', 's', 'Site')")
    for camera in CAMERAS:
        made.ask(
            "insert into device (id, kind, enterprise, site, interval_us, profile, change)"
            " values (%s, 'camera', 'e', 's', 2000000, 'camera', 1)",
            camera,
        )
    yield made
    if made.process is not None and made.process.poll() is None:
        made.kill()


def references(site: Site, camera: str, sequence: Sequence) -> list[tuple[str, bytes]]:
    """Puts the sequence's images where the gateway puts them and gives their references."""
    evidence = DirectoryEvidence(site.home / "evidence")
    values = []
    for number, jpeg in enumerate(draw_sequence(sequence)):
        sha256 = hashlib.sha256(jpeg).hexdigest()
        evidence.put(sha256, jpeg)
        at_us = START_US + number * STEP_US
        frame = FrameReference(
            camera=camera, at_us=at_us, seq=number, received_us=at_us + 50_000, sha256=sha256, size_bytes=len(jpeg),
            width=sequence.width, height=sequence.height,
        )  # fmt: skip
        values.append((camera, encode_frame(frame)))
    return values


def troubled() -> list[list[Segment]]:
    """What happens to the three cameras: covered, frozen, black."""
    return [
        [Segment(12), Segment(8, "dark_cloth"), Segment(8)],
        [Segment(12), Segment(8, "frozen"), Segment(8)],
        [Segment(12), Segment(8, "black"), Segment(8)],
    ]


EXPECTED = {
    (CAMERAS[0], "camera_covered", 12, 20),
    (CAMERAS[1], "camera_frozen", 12, 20),
    (CAMERAS[2], "camera_black", 12, 20),
}


def test_frames_are_judged_exactly_once_through_kills(site: Site) -> None:
    shots = [
        references(site, camera, Sequence(segments=segments, seed=number))
        for number, (camera, segments) in enumerate(zip(CAMERAS, troubled(), strict=True))
    ]
    queue = [value for together in zip(*shots, strict=True) for value in together]
    repeated = [*queue[:40], *queue[30:40], *queue[40:]]
    for part in (repeated[:33], repeated[33:60], repeated[60:]):
        site.start()
        until(site.is_ready, LIMIT_S)
        before = site.stored()
        site.publish(part)
        until(lambda before=before: site.stored() > before, LIMIT_S)  # some are in, some are not
        site.kill()
    site.start()
    until(lambda: site.stored() == len(repeated), LIMIT_S)

    rows = site.ask(
        "select camera, count(*), count(distinct (at, seq)) from frame group by camera order by camera"
    )
    assert rows == [(camera, 28, 28) for camera in CAMERAS]
    assert site.ask("select sum(stored), sum(duplicate) from ledger") == [(84, 10)]
    found = site.ask("select device, rule, start_at, end_at from v_finding")
    assert {(d, r, number_of(s), number_of(e)) for d, r, s, e in found} == EXPECTED
    assert len(site.findings_sent(6)) == 6
    until(lambda: site.ask("select count(*) from finding_unsent") == [(0,)], LIMIT_S)
    books = ledger.read(
        Settings(
            kafka=KafkaSettings(bootstrap=site.kafka, prefix=site.prefix),
            database=DatabaseSettings(reader_url=SecretStr(site.database.reader_url)),
        )
    )
    assert (books.accepted, books.in_flight, books.balanced) == (94, 0, True)
    assert site.stop() == 0
    assert site.ask("select count(*) from partition_offset where next_position <> checkpoint_position") == [
        (0,)
    ]


def number_of(time: object) -> int:
    return int((time.timestamp() * 1_000_000 - START_US) // STEP_US)  # type: ignore[attr-defined]


def test_what_cannot_be_looked_at_is_recorded_and_stops_nothing(site: Site) -> None:
    good = references(site, CAMERAS[0], Sequence(segments=[Segment(6)]))
    lost = references(site, CAMERAS[0], Sequence(segments=[Segment(7)], seed=8))[6:]
    broken = b"\xff\xd8" + bytes(1000)
    sha256 = hashlib.sha256(broken).hexdigest()
    DirectoryEvidence(site.home / "evidence").put(sha256, broken)
    whole = decode_frame(good[0][1])
    torn = replace(whole, sha256=sha256, at_us=START_US + 1)
    for path in (site.home / "evidence").rglob("*"):
        if path.is_file() and path.name.encode() in lost[0][1]:
            path.unlink()
    site.start()
    junk = [(CAMERAS[0], b"\x00 no reference"), (CAMERAS[0], encode_frame(torn))]
    site.publish([*good[:1], *junk, *good[1:], *lost])
    until(lambda: site.stored() == 9, LIMIT_S)
    assert site.ask("select unnest(faults), count(*) from frame group by 1 order by 1") == [
        ("missing_image", 1),
        ("undecodable", 1),
    ]
    assert site.ask("select code, raw from rejection")[0][0] == "bad_record"
    assert site.ask("select sum(stored), sum(dead_lettered) from ledger") == [(8, 1)]
    assert site.ask("select count(*) from finding") == [(0,)]
    assert 'coldwatch_frame_faults_total{fault="undecodable"} 1.0' in site.page("metrics")
    assert site.page("healthz") == "ok"
    assert site.stop() == 0
