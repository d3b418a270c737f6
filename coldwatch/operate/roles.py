"""The four roles of the database. A role that exists keeps its password; only a new one is given one."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from psycopg2 import sql
from psycopg2.extensions import connection as Connection  # noqa: N812
from psycopg2.extensions import encrypt_password


@dataclass(frozen=True)
class Role:
    """`setting` names the URL by which it enters; empty: nobody enters as it."""

    name: str
    login: bool
    bypasses_row_security: bool = False
    setting: str = ""


OWNER: Final = Role("coldwatch_owner", login=False)
ENTERED: Final = (
    # COPY into a table under row security is refused to a role that does not bypass it.
    Role("coldwatch_pipeline", login=True, bypasses_row_security=True, setting="pipeline_url"),
    Role("coldwatch_web", login=True, setting="web_url"),
    Role("coldwatch_reader", login=True, setting="reader_url"),
)


def new_password() -> str:
    return secrets.token_urlsafe(24)


def ensure(connection: Connection, password_of: Callable[[Role], str]) -> list[str]:
    """Makes the roles that are missing and returns their names; `password_of` is asked for those alone.

    Raises psycopg2.errors.InsufficientPrivilege when the connection's own role may not.
    """
    made = [role.name for role in (OWNER, *ENTERED) if _ensure(connection, role, password_of)]
    with connection.cursor() as cursor:
        cursor.execute("select current_database()")
        (database,) = cursor.fetchone() or ("",)
        owner = sql.Identifier(OWNER.name)
        cursor.execute(sql.SQL("grant create on database {} to {}").format(sql.Identifier(database), owner))
        cursor.execute(sql.SQL("grant create, usage on schema public to {}").format(owner))
    return made


def _ensure(connection: Connection, role: Role, password_of: Callable[[Role], str]) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("select rolcanlogin, rolbypassrls from pg_roles where rolname = %s", (role.name,))
        found = cursor.fetchone()
        if found == (role.login, role.bypasses_row_security):
            return False
        rights = sql.SQL(
            f"{'login' if role.login else 'nologin'} {'' if role.bypasses_row_security else 'no'}bypassrls"
        )
        name = sql.Identifier(role.name)
        if found is not None:
            cursor.execute(sql.SQL("alter role {} {}").format(name, rights))
            return False
        password = password_of(role) if role.login else ""
        # The server is given the verifier alone: a statement may be logged there.
        verifier = encrypt_password(password, role.name, connection, "scram-sha-256") if password else None
        cursor.execute(sql.SQL("create role {} {} password %s").format(name, rights), (verifier,))
        return True
