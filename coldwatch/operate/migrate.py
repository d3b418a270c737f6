"""Applies `schemas/tables/NNNN_*.sql` in order, once each."""

import hashlib
from importlib import resources

from psycopg2.extensions import connection as Connection  # noqa: N812
from psycopg2.extensions import cursor as Cursor  # noqa: N812

from schemas.errors import Permanent


def apply(connection: Connection) -> list[str]:
    """Applies what is missing, as role coldwatch_owner, and returns the names; each file is one transaction.

    The connection is a superuser's, in autocommit, and the caller holds the lock against a second one.
    Raises Permanent when an applied file has been changed since.
    """
    with connection.cursor() as cursor:
        cursor.execute("create extension if not exists timescaledb")
        cursor.execute("create schema if not exists coldwatch_migration")
        cursor.execute(
            "create table if not exists coldwatch_migration.migration (name text primary key, sha256 text not null,"
            " applied_at timestamptz not null default now())"
        )
        return [name for name, text in _files() if _apply_one(cursor, name, text)]


def _files() -> list[tuple[str, str]]:
    tables = resources.files("schemas") / "tables"
    names = sorted(entry.name for entry in tables.iterdir() if entry.name.endswith(".sql"))
    return [(name, (tables / name).read_text(encoding="utf-8")) for name in names]


def _apply_one(cursor: Cursor, name: str, text: str) -> bool:
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    cursor.execute("select sha256 from coldwatch_migration.migration where name = %s", (name,))
    row = cursor.fetchone()
    if row is not None:
        if row[0] != sha256:
            raise Permanent(
                f"{name} was applied to this database with other content; add a new file instead of editing it"
            )
        return False
    cursor.execute("begin")
    try:
        cursor.execute("set local role coldwatch_owner")
        cursor.execute(text)
        cursor.execute("reset role")
        cursor.execute(
            "insert into coldwatch_migration.migration (name, sha256) values (%s, %s)", (name, sha256)
        )
        cursor.execute("commit")
    except BaseException:
        cursor.execute("rollback")
        raise
    return True
