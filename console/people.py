"""People who may sign in: adding them, and the first administrator of an installation."""

import re
import secrets
from typing import Final

import psycopg2.extensions

from console import passwords
from console.session import LONGEST_NAME, SQL, Cursor, write_audit
from schemas.errors import Permanent
from schemas.incident import SYSTEM
from schemas.person import Role

SHORTEST_PASSWORD: Final = 10
LONGEST_PASSWORD: Final = 1000
FIRST_ADMIN: Final = "admin"
COUNTY_ROLES: Final = frozenset({Role.OPERATOR, Role.REGULATOR})


def add_person(
    cursor: Cursor,
    name: str,
    password: str,
    role: Role,
    enterprise: str | None,
    actor: str,
    county: str | None = None,
) -> None:
    """Adds one. Raises Permanent with a sentence in zh and en when that cannot be."""
    _check(name, password, role, enterprise, county)
    row = {
        "name": name,
        "password": passwords.hash(password),
        "role": role,
        "enterprise": enterprise,
        "county": county,
    }
    try:
        cursor.execute(SQL["add_person"], row)
    except psycopg2.errors.ForeignKeyViolation:
        raise Permanent(
            f"没有企业或县区 {enterprise or county}，请先登记 ·"
            f" there is no enterprise or county {enterprise or county}; register it first"
        ) from None
    if cursor.rowcount == 0:
        raise Permanent(f"用户 {name} 已存在 · {name} exists already")
    write_audit(
        cursor,
        actor,
        "person_added",
        name,
        {"role": role, "enterprise": enterprise or "", "county": county or ""},
    )


def ensure_first_admin(connection: psycopg2.extensions.connection) -> tuple[str, str] | None:
    """Makes `admin` with a random password when no administrator exists; (name, password) the one time it does.

    `connection` is of role web (or of the owner). The password is nowhere else: print it, keep it out of logs.
    """
    with connection, connection.cursor() as cursor:
        cursor.execute(SQL["lock_people"])
        cursor.execute(SQL["any_admin"])
        (exists,) = cursor.fetchone() or (False,)
        if exists:
            return None
        password = new_password()
        add_person(cursor, FIRST_ADMIN, password, Role.ADMIN, None, actor="system")
        return FIRST_ADMIN, password


def new_password() -> str:
    """About 103 bits, in four groups that can be read aloud."""
    alphabet = "abcdefghjkmnpqrstuvwxyz23456789"
    groups = ("".join(secrets.choice(alphabet) for _ in range(5)) for _ in range(4))
    return "-".join(groups)


def _check(name: str, password: str, role: Role, enterprise: str | None, county: str | None) -> None:
    if name == SYSTEM:
        raise Permanent(f"{SYSTEM} 是系统自己的名字 · {SYSTEM} is the program's own name")
    if not 1 <= len(name) <= LONGEST_NAME or not re.fullmatch(r"[\w.@+-]+", name):
        raise Permanent(
            "用户名只能用文字、数字和 . @ + - _ · a name is made of letters, digits and . @ + - _"
        )
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise Permanent(
            f"密码至少 {SHORTEST_PASSWORD} 个字符 · a password has at least {SHORTEST_PASSWORD} characters"
        )
    if (role is Role.ENTERPRISE) != bool(enterprise):
        raise Permanent(
            "企业用户（且只有企业用户）必须用 --enterprise 指定企业 ·"
            " role enterprise, and no other, needs --enterprise with an enterprise's id"
        )
    if county is not None and (role not in COUNTY_ROLES or not county):
        raise Permanent(
            "只有监测中心和监管人员可以用 --county 限定县区 · only an operator or a regulator can be of one --county"
        )
