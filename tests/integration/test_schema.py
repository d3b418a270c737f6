"""What the schema promises, asked of the catalogue of a migrated database, whichever migration made it so."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from ingest.mqtt.server import stranger
from tests.servers import Database

ROOT = Path(__file__).resolve().parents[2]

HISTORY = {"reading", "result", "frame", "rejection", "finding", "incident_event", "ledger_hole"}
"""What happened: added to, never changed."""
ROLES = {"coldwatch_pipeline", "coldwatch_web", "coldwatch_reader"}


class Catalogue:
    """Asks the database as its owner; nothing is kept of what a test has done."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        with self._connection.cursor() as cursor:
            cursor.execute(query, values)
            found: list[tuple[Any, ...]] = cursor.fetchall()
        return found

    def names(self, query: str, *values: object) -> set[str]:
        return {name for (name,) in self.rows(query, *values)}

    def run(self, statement: str, *values: object) -> None:
        with self._connection.cursor() as cursor:
            cursor.execute(statement, values)


@pytest.fixture
def catalogue(database: Database) -> Iterator[Catalogue]:
    connection = psycopg2.connect(database.owner_url)
    yield Catalogue(connection)
    connection.close()


def tables_with(catalogue: Catalogue, *columns: str) -> set[str]:
    return catalogue.names(
        "select distinct c.relname::text from pg_class c join pg_attribute a on a.attrelid = c.oid"
        " where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')"
        " and not a.attisdropped and a.attname::text = any(%s)",
        list(columns),
    )


def under_forced_row_security(catalogue: Catalogue) -> set[str]:
    return catalogue.names(
        "select relname::text from pg_class where relnamespace = 'public'::regnamespace"
        " and relrowsecurity and relforcerowsecurity"
    )


def readable(catalogue: Catalogue, role: str) -> set[str]:
    return catalogue.names(
        "select relname::text from pg_class where relnamespace = 'public'::regnamespace"
        " and relkind in ('r', 'p') and has_any_column_privilege(%s, oid, 'select')",
        role,
    )


def test_every_published_view_is_security_invoker(catalogue: Catalogue) -> None:
    views = catalogue.rows(
        "select c.relname::text, coalesce(c.reloptions, '{}') from pg_class c"
        " where c.relnamespace = 'public'::regnamespace and c.relkind = 'v'"
        " and not exists (select from pg_depend d where d.objid = c.oid and d.deptype = 'e')"
    )
    assert views
    assert not [name for name, options in views if "security_invoker=true" not in options]


def test_every_table_that_names_an_enterprise_is_under_forced_row_security(catalogue: Catalogue) -> None:
    """But for `person`: who signs in is looked up before it is known whose rows may be seen."""
    tenant = tables_with(catalogue, "enterprise") - {"person"}
    assert tenant
    assert tenant - under_forced_row_security(catalogue) == set()


def test_what_the_web_role_reads_of_a_device_or_a_point_is_under_forced_row_security(
    catalogue: Catalogue,
) -> None:
    of_devices = tables_with(catalogue, "device", "camera", "point_id") & readable(catalogue, "coldwatch_web")
    assert of_devices
    assert of_devices - under_forced_row_security(catalogue) == set()


def test_under_row_security_the_web_role_and_the_reader_have_a_policy_each(catalogue: Catalogue) -> None:
    policies = catalogue.rows(
        "select tablename::text, roles::text[] from pg_policies where schemaname = 'public'"
    )
    for role in ("coldwatch_web", "coldwatch_reader"):
        reads = under_forced_row_security(catalogue) & readable(catalogue, role)
        assert reads
        assert reads - {table for table, roles in policies if role in roles} == set()


def test_no_policy_is_for_everybody(catalogue: Catalogue) -> None:
    policies = catalogue.rows(
        "select policyname::text, roles::text[] from pg_policies where schemaname = 'public'"
    )
    assert policies
    assert not [name for name, roles in policies if "public" in roles]


@pytest.mark.parametrize("role", sorted(ROLES))
def test_no_role_of_a_service_changes_or_deletes_history(catalogue: Catalogue, role: str) -> None:
    may = catalogue.rows(
        "select relname::text, privilege from pg_class, unnest(array['update', 'delete', 'truncate']) privilege"
        " where relnamespace = 'public'::regnamespace and relname::text = any(%s)"
        " and has_table_privilege(%s, pg_class.oid, privilege)",
        sorted(HISTORY),
        role,
    )
    assert may == []


def test_the_history_is_there(catalogue: Catalogue) -> None:
    tables = catalogue.names("select tablename::text from pg_tables where schemaname = 'public'")
    assert HISTORY - tables == set()


def test_the_reader_writes_nothing(catalogue: Catalogue) -> None:
    writes = catalogue.names(
        "select relname::text from pg_class where relnamespace = 'public'::regnamespace"
        " and relkind in ('r', 'p') and has_any_column_privilege('coldwatch_reader', oid, 'insert, update')"
    )
    assert writes == set()


def test_the_chunks_of_readings_lie_where_only_the_pipeline_may_look(catalogue: Catalogue) -> None:
    assert catalogue.rows(
        "select associated_schema_name::text from _timescaledb_catalog.hypertable where table_name = 'reading'"
    ) == [("coldwatch_chunks",)]
    may = {
        role
        for role in ROLES
        if catalogue.rows("select has_schema_privilege(%s, 'coldwatch_chunks', 'usage')", role) == [(True,)]
    }
    assert may == {"coldwatch_pipeline"}


def test_a_reading_is_one_row_by_point_time_and_number(catalogue: Catalogue) -> None:
    unique = catalogue.rows(
        "select array_agg(a.attname::text order by k.place) from pg_index i,"
        " unnest(i.indkey::int2[]) with ordinality k(number, place), pg_attribute a"
        " where i.indrelid = 'reading'::regclass and i.indisunique"
        " and a.attrelid = i.indrelid and a.attnum = k.number group by i.indexrelid"
    )
    assert (["point_id", "at", "seq"],) in unique


def test_every_threshold_names_its_source_and_clause(catalogue: Catalogue) -> None:
    rows = catalogue.rows("select name, metric, source, clause from profile")
    assert rows
    assert not [row for row in rows if not row[2].strip() or not row[3].strip()]


def test_a_threshold_from_memory_cannot_be_in_force(catalogue: Catalogue) -> None:
    with pytest.raises(psycopg2.errors.CheckViolation):
        catalogue.run(
            "insert into profile (name, version, metric, effective_from, source, clause, evidence, enabled)"
            " values ('remembered', 1, 'temperature', now(), 'somebody', 'none', 'M', true)"
        )


def test_nobody_reads_of_less_than_nothing_stored(catalogue: Catalogue) -> None:
    """A duplicate is taken off at once, what it was counted with comes with the next checkpoint."""
    catalogue.run(
        "insert into ledger (topic, device, hour, accepted, stored, duplicate, quarantined, dead_lettered)"
        " values ('readings', 'ledger-test', '2026-03-01', 0, -1, 1, 0, 0)"
    )
    assert catalogue.rows("select stored, duplicate from v_ledger where device = 'ledger-test'") == [(0, 1)]


def test_names_that_no_device_has_are_kept_as_the_front_door_keeps_them(catalogue: Catalogue) -> None:
    """What an earlier version kept in clear is hashed by the migration, in the same form."""
    text = (ROOT / "schemas" / "tables" / "0019_refusals.sql").read_text(encoding="utf-8")
    names = ["8fK2-secret-token-of-a-live-device", "冷库探头一", "ab"]
    for name in names:
        catalogue.run("insert into refusal values ('2026-03-01', '10.0.0.1', %s, 'unknown_device', 2)", name)
    catalogue.run(text[: text.index("create view")])
    kept = catalogue.names("select username from refusal where address = '10.0.0.1'")
    assert kept == {stranger(name) for name in names}


@pytest.mark.parametrize("role", ["web_url", "reader_url", "pipeline_url"])
def test_how_far_the_workers_have_come_is_read_by_every_role(database: Database, role: str) -> None:
    """The console's backlog, `coldwatch status` and the services ask for it."""
    connection = psycopg2.connect(getattr(database, role))
    try:
        with connection.cursor() as cursor:
            cursor.execute("select topic, partition, next_position from v_booked")
    finally:
        connection.close()
