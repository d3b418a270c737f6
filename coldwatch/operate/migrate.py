"""Applies `schemas/tables/NNNN_*.sql` in order, once each, and makes the four roles. Safe to run at every start."""

import hashlib
from dataclasses import dataclass
from importlib import resources

import psycopg2
from psycopg2 import sql

from schemas.errors import Permanent

LOCK = 0x636F6C64  # two front doors migrating at once wait for each other


@dataclass(frozen=True)
class RolePasswords:
    """Passwords of the three roles that own nothing; given to PostgreSQL as parameters, never in argv."""

    pipeline: str
    web: str
    reader: str


def apply(superuser_url: str, passwords: RolePasswords) -> list[str]:
    """Creates roles and applies what is missing; returns the names applied.

    `superuser_url` may create extensions and roles. The tables belong to role `coldwatch_owner`.
    Raises Permanent when an applied file has been changed since.
    """
    connection = psycopg2.connect(superuser_url)
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("set client_min_messages = warning")
            cursor.execute("select pg_advisory_lock(%s)", (LOCK,))
            _ensure_roles(cursor, passwords)
            return [name for name, text in _files() if _apply_one(cursor, name, text)]
    finally:
        connection.close()


def _files() -> list[tuple[str, str]]:
    tables = resources.files("schemas") / "tables"
    names = sorted(entry.name for entry in tables.iterdir() if entry.name.endswith(".sql"))
    return [(name, (tables / name).read_text(encoding="utf-8")) for name in names]


def _ensure_roles(cursor: "psycopg2.extensions.cursor", passwords: RolePasswords) -> None:
    _ensure_role(cursor, "coldwatch_owner", "nologin", None)
    _ensure_role(cursor, "coldwatch_pipeline", "login bypassrls", passwords.pipeline)
    _ensure_role(cursor, "coldwatch_web", "login", passwords.web)
    _ensure_role(cursor, "coldwatch_reader", "login", passwords.reader)
    cursor.execute("create extension if not exists timescaledb")
    cursor.execute("select current_database()")
    (database,) = cursor.fetchone() or ("",)
    cursor.execute(sql.SQL("grant create on database {} to coldwatch_owner").format(sql.Identifier(database)))
    cursor.execute("grant create, usage on schema public to coldwatch_owner")
    cursor.execute("create schema if not exists coldwatch_migration")
    cursor.execute(
        "create table if not exists coldwatch_migration.migration (name text primary key, sha256 text not null,"
        " applied_at timestamptz not null default now())"
    )


def _ensure_role(cursor: "psycopg2.extensions.cursor", name: str, rights: str, password: str | None) -> None:
    cursor.execute("select 1 from pg_roles where rolname = %s", (name,))
    if cursor.fetchone() is None:
        cursor.execute(sql.SQL("create role {}").format(sql.Identifier(name)))
    cursor.execute(sql.SQL("alter role {} " + rights).format(sql.Identifier(name)))
    if password is not None:
        cursor.execute(sql.SQL("alter role {} password %s").format(sql.Identifier(name)), (password,))


def _apply_one(cursor: "psycopg2.extensions.cursor", name: str, text: str) -> bool:
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
