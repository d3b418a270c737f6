"""Row-level security on the real database: a role sees its own rows, and a chunk is no way round."""

from collections.abc import Iterator
from dataclasses import dataclass

import psycopg2
import pytest

TABLES = (
    "enterprise",
    "site",
    "device",
    "point",
    "result",
    "frame",
    "rejection",
    "finding",
    "incident",
    "reading",
)
VIEWS = ("v_reading", "v_device", "v_point", "v_finding", "v_incident")


@dataclass
class Tenants:
    mine: str
    theirs: str


@pytest.fixture
def tenants(database) -> Tenants:
    """Two enterprises with one row in every tenant table each."""
    connection = psycopg2.connect(database.pipeline_url)
    with connection, connection.cursor() as cursor:
        cursor.execute("insert into county values ('tc', 'tc') on conflict do nothing")
        for tenant in ("tenant-a", "tenant-b"):
            _fill(cursor, tenant)
    connection.close()
    return Tenants("tenant-a", "tenant-b")


def _fill(cursor, tenant: str) -> None:
    cursor.execute("select 1 from device where id = %s", (tenant + "-d",))
    if cursor.fetchone():
        return
    device = tenant + "-d"
    cursor.execute("insert into enterprise values (%s, %s, 'tc')", (tenant, tenant))
    cursor.execute("insert into site values (%s, 's', 's')", (tenant,))
    cursor.execute(
        "insert into device (id, kind, enterprise, site, interval_us, profile, change)"
        " values (%s, 'probe', %s, 's', 2000000, 'demo', 0)",
        (device, tenant),
    )
    cursor.execute(
        "insert into point (device, enterprise, metric, unit, possible_low, possible_high)"
        " values (%s, %s, 'temperature', 'Cel', -80, 85) returning id",
        (device, tenant),
    )
    (point,) = cursor.fetchone()
    cursor.execute("insert into reading values (%s, now(), 0, 4, 1, now())", (point,))
    cursor.execute(
        "insert into result (device, enterprise, number, at, received_at, sample, item, method, unit, verdict,"
        " verdict_raw, operator, lot, content_sha256, raw)"
        " values (%s, %s, '1', now(), now(), '', '', '', '', 'negative', '', '', '', '', '')",
        (device, tenant),
    )
    cursor.execute(
        "insert into frame values (%s, %s, now(), 0, now(), '', 1, 1, 1, '', '{}', '{}')", (device, tenant)
    )
    cursor.execute(
        "insert into rejection (topic_kafka, partition, position, disposition, code, path, detail, device,"
        " publisher, enterprise, topic, received_at, count)"
        " values (%s, 0, 0, 'dead_lettered', 'bad_json', '$', '', %s, %s, %s, '', now(), 1)",
        (device, device, device, tenant),
    )
    cursor.execute("select gen_random_uuid()")
    (finding,) = cursor.fetchone()
    cursor.execute(
        "insert into finding (id, version, change, subject, device, enterprise, metric, point_id, rule, severity,"
        " start_at, unit, profile, profile_version, late, persistent, measured_at, received_at, detail)"
        " values (%s, 1, 'opened', %s, %s, %s, '', 0, 'silence', 3, now(), '', '', 1, false, false, now(), now(),"
        " '{}')",
        (finding, device, device, tenant),
    )
    cursor.execute(
        "insert into incident (finding, state, finding_version, severity, device, enterprise, metric, point_id,"
        " subject, rule, start_at, unit, profile, profile_version, late, persistent, detail, opened_at, last_event)"
        " values (%s, 'open', 1, 3, %s, %s, '', 0, %s, 'silence', now(), '', '', 1, false, false, '{}', now(), 0)",
        (finding, device, tenant, device),
    )


@pytest.fixture
def web(database) -> Iterator["psycopg2.extensions.cursor"]:
    connection = psycopg2.connect(database.web_url)
    yield connection.cursor()
    connection.close()


@pytest.mark.parametrize("relation", TABLES + VIEWS)
def test_without_a_tenant_the_web_role_sees_nothing(relation: str, tenants: Tenants, web) -> None:
    web.execute(f"select count(*) from {relation}")
    assert web.fetchone() == (0,)


@pytest.mark.parametrize("relation", TABLES + VIEWS)
def test_a_tenant_sees_its_own_rows_and_none_of_another(relation: str, tenants: Tenants, web) -> None:
    counts = {}
    for tenant in (f"enterprise:{tenants.mine}", f"enterprise:{tenants.theirs}", "all"):
        web.execute("select set_config('coldwatch.scope', %s, false)", (tenant,))
        web.execute(f"select count(*) from {relation}")
        (counts[tenant],) = web.fetchone()
    mine, theirs, both = counts.values()
    assert mine >= 1
    assert mine + theirs <= both


def test_a_chunk_selected_directly_is_denied_to_web_and_reader(database, tenants: Tenants) -> None:
    for url in (database.web_url, database.reader_url):
        connection = psycopg2.connect(url)
        cursor = connection.cursor()
        cursor.execute(
            "select relname from pg_stat_user_tables where schemaname = 'coldwatch_chunks' limit 1"
        )
        (chunk,) = cursor.fetchone()
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            cursor.execute(f"select * from coldwatch_chunks.{chunk}")
        connection.close()


def test_nobody_but_the_pipeline_reads_token_hashes(database) -> None:
    for url in (database.web_url, database.reader_url):
        connection = psycopg2.connect(url)
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            connection.cursor().execute("select token_sha256 from device")
        connection.close()


def test_the_pipeline_cannot_change_or_delete_history(database) -> None:
    for statement in (
        "update reading set value = 0",
        "delete from reading",
        "delete from result",
        "truncate finding",
    ):
        connection = psycopg2.connect(database.pipeline_url)
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            connection.cursor().execute(statement)
        connection.close()


def test_the_reader_sees_all_tenants_and_writes_nothing(database, tenants: Tenants) -> None:
    connection = psycopg2.connect(database.reader_url)
    cursor = connection.cursor()
    cursor.execute("select count(distinct enterprise) from v_reading")
    assert cursor.fetchone()[0] >= 2
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        cursor.execute("insert into county values ('x', 'x')")
    connection.close()
