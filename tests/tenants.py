"""Two tenants on a real database, each with one row of everything that the console shows."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

import psycopg2

from alerts.channels import CHANNELS
from alerts.journal import Batch
from alerts.journal_postgres import PostgresJournal
from coldwatch.wiring.transactions import Single
from schemas.finding import Change
from schemas.times import to_us
from tests.findings import finding


@dataclass(frozen=True)
class Tenant:
    """The names of one tenant's rows."""

    id: str
    probe: str
    camera: str
    instrument: str
    gateway: str
    point: int
    excursion: str
    positive_test: str
    covered: str
    sha256: str


def picture_of(tenant: str) -> bytes:
    return b"\xff\xd8 a picture of " + tenant.encode()


def fill(pipeline_url: str, *ids: str) -> list[Tenant]:
    """Registers the tenants with a gateway, probe, camera and instrument each, and what they have sent."""
    connection = psycopg2.connect(pipeline_url, options="-c timezone=UTC")
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute("insert into county values ('yanhu', '盐湖区') on conflict do nothing")
            return [_fill(cursor, pipeline_url, connection, id) for id in ids]
    finally:
        connection.close()


def _fill(cursor, pipeline_url: str, connection, id: str) -> Tenant:
    now = datetime.now(UTC).replace(microsecond=0)
    cursor.execute("insert into enterprise values (%s, %s, 'yanhu')", (id, f"{id} 公司"))
    cursor.execute("insert into site values (%s, 's1', %s)", (id, f"{id} 一号店"))
    cursor.execute("insert into asset values (%s, 's1', 'a1', '三号冷库')", (id,))
    names = {kind: f"{id}-{kind}" for kind in ("probe", "camera", "instrument", "gateway")}
    for kind, name in names.items():
        profile = "demo" if kind == "probe" else kind
        cursor.execute(
            "insert into device (id, kind, enterprise, site, asset, interval_us, profile, created_at, change)"
            " values (%s, %s, %s, 's1', 'a1', 2000000, %s, %s, 0)",
            (name, kind, id, profile, now - timedelta(days=30)),
        )
    cursor.execute(
        "insert into point (device, enterprise, metric, unit, possible_low, possible_high)"
        " values (%s, %s, 'temperature', 'Cel', -80, 85) returning id",
        (names["probe"], id),
    )
    (point,) = cursor.fetchone()
    for step in range(60):
        at = now - timedelta(seconds=2 * (60 - step))
        cursor.execute(
            "insert into reading values (%s, %s, %s, %s, 1, %s)", (point, at, step, 4 + step / 10, at)
        )
    cursor.execute("insert into point_state values (%s, 'breach', %s)", (point, now - timedelta(seconds=40)))
    cursor.execute(
        "insert into result (device, enterprise, number, at, received_at, sample, item, method, value, unit, verdict,"
        " verdict_raw, operator, lot, content_sha256, raw)"
        " values (%s, %s, 'N-7', %s, %s, '菠菜', '农药残留', '', 62, '%%', 'positive', '阳性', '', 'L1', 'x', '{}')",
        (names["instrument"], id, now, now),
    )
    sha256 = hashlib.sha256(picture_of(id)).hexdigest()
    cursor.execute(
        "insert into frame values (%s, %s, %s, 1, %s, %s, 10, 640, 480, 'image/jpeg', '{\"luma\": 3}', '{covered}')",
        (names["camera"], id, now, now, sha256),
    )
    cursor.execute(
        "insert into rejection (topic_kafka, partition, position, disposition, code, path, detail, device, publisher,"
        " enterprise, topic, received_at, count, raw)"
        " values (%s, 0, 0, 'dead_lettered', 'not_a_number', '$.values', 'text', %s, %s, %s, 'cw', %s, 1, %s)",
        (id, names["probe"], names["probe"], id, now, b'{"values": {"temperature": "4.1"}}'),
    )
    cursor.execute(
        "insert into ledger values ('readings', %s, date_trunc('hour', %s), 60, 59, 1, 0, 0)",
        (names["probe"], now),
    )
    connection.commit()
    ids = _incidents(pipeline_url, names, point, now, sha256)
    return Tenant(id=id, point=point, sha256=sha256, **names, **ids)


def _incidents(
    pipeline_url: str, names: dict[str, str], point: int, now: datetime, sha256: str
) -> dict[str, str]:
    start_us = to_us(now - timedelta(seconds=40))
    excursion = finding(
        device=names["probe"], point_id=point, start_us=start_us, profile="demo", profile_version=1
    )
    test = finding(
        device=names["instrument"],
        metric="",
        subject=f"{names['instrument']}/N-7",
        rule="positive_test",
        start_us=to_us(now),
        persistent=True,
    )
    covered = finding(
        device=names["camera"], metric="", rule="camera_covered", start_us=start_us, detail={"sha256": sha256}
    )
    silent = finding(2, Change.CLOSED, device=names["gateway"], metric="", rule="silence", start_us=start_us)
    single = Single(partial(psycopg2.connect, pipeline_url))
    journal = PostgresJournal(single.begin, CHANNELS)
    journal.apply(Batch([excursion, test, covered, silent], {}, ""), to_us(now))
    single.close()
    return {"excursion": excursion.id, "positive_test": test.id, "covered": covered.id}
