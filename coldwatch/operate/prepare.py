"""Makes Kafka and PostgreSQL ready for the services: roles, tables, topics. Safe to repeat, and two at once wait.

`coldwatch prepare` and the local stack both do it by this.
"""

from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import psycopg2
from pydantic import SecretStr

from coldwatch.operate import migrate, roles, topics
from coldwatch.wiring.connections import connect_database, parts, with_parts
from coldwatch.wiring.files import write_atomically
from schemas.errors import Permanent
from schemas.secret_files import BadSetting, variable_of
from schemas.settings import DatabaseSettings, Settings

LOCK = 0x636F6C64  # two front doors preparing at once wait for each other


@dataclass
class Prepared:
    """What was missing and has been made; empty lists when all was there.

    secret_files: where the address of a role lies whose password was made here, by the role's setting.
    unknown: settings of roles that were there before and whose passwords nobody has told us.
    """

    roles: list[str] = field(default_factory=list)
    tables: list[str] = field(default_factory=list)
    topics: list[str] = field(default_factory=list)
    secret_files: dict[str, Path] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)


def prepare(settings: Settings, secrets: Path) -> Prepared:
    """Roles, tables and topics. Addresses with new passwords go into directory `secrets`, a 0600 file each.

    Raises BadSetting, Permanent, psycopg2.Error, kafka.errors.KafkaError.
    """
    made = database(settings.database, secrets)
    made.topics = topics.ensure(settings.kafka)
    return made


def database(settings: DatabaseSettings, secrets: Path) -> Prepared:
    """Roles and tables, and a look whether every role whose address is known can enter."""
    given = {role: getattr(settings, role.setting) for role in roles.ENTERED}
    for role, url in given.items():
        if url.get_secret_value():
            _check_user(role, url)
    owner = settings.owner_url
    if not owner.get_secret_value():
        raise BadSetting(
            "没有设置数据库：请设 COLDWATCH_DATABASE__OWNER_URL（或 _FILE），须为超级用户 / no database is named: "
            "set COLDWATCH_DATABASE__OWNER_URL (or ..._FILE) to a superuser's address"
        )
    parts(owner, _variable("owner_url"))
    made = Prepared()

    def password_of(role: roles.Role) -> str:
        if not given[role].get_secret_value():
            given[role] = _generated(role, owner, secrets)
            made.secret_files[_variable(role.setting)] = _file_of(role, secrets)
        return parts(given[role], _variable(role.setting)).get("password", "")

    with closing(connect_database(owner, settings, "prepare", statement_timeout_s=0)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("select pg_advisory_lock(%s)", (LOCK,))
        made.roles = roles.ensure(connection, password_of)
        made.tables = migrate.apply(connection)
    for role, url in given.items():
        if url.get_secret_value():
            _check_entry(role, url, settings)
        elif (file := _file_of(role, secrets)).exists():
            made.secret_files[_variable(role.setting)] = file
            _check_entry(role, SecretStr(file.read_text(encoding="utf-8").strip()), settings)
        else:
            made.unknown.append(_variable(role.setting))
    return made


def _variable(setting: str) -> str:
    return variable_of(("database", setting))


def _file_of(role: roles.Role, secrets: Path) -> Path:
    return secrets / f"database_{role.setting}"


def _generated(role: roles.Role, owner: SecretStr, secrets: Path) -> SecretStr:
    """The role's address with a password of its own; written before the role is made, so that a cut loses nothing."""
    file = _file_of(role, secrets)
    if file.exists():
        return SecretStr(file.read_text(encoding="utf-8").strip())
    url = with_parts(owner, user=role.name, password=roles.new_password())
    secrets.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_atomically(file, f"{url.get_secret_value()}\n".encode(), mode=0o600)
    return url


def _check_user(role: roles.Role, url: SecretStr) -> None:
    user = parts(url, _variable(role.setting)).get("user", "")
    if user != role.name:
        raise BadSetting(
            f"{_variable(role.setting)} 的用户应为 {role.name}，而不是“{user}” / "
            f"{_variable(role.setting)} should enter as {role.name}, not as '{user}'"
        )


def _check_entry(role: roles.Role, url: SecretStr, settings: DatabaseSettings) -> None:
    try:
        connect_database(url, settings, "prepare").close()
    except psycopg2.OperationalError as error:
        variable = _variable(role.setting)
        raise Permanent(
            f"{role.name} 无法登录（已有角色的口令不会改动；请改 {variable}，或由管理员 alter role）/ "
            f"{role.name} cannot enter (a role that exists keeps its password: change {variable}, or let "
            "the administrator alter the role): "
            f"{str(error).strip()}"
        ) from None
