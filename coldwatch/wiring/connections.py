"""Every database connection is opened here, and handed down: a cut network may never hang a writer. TLS too."""

import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812
from psycopg2.extensions import make_dsn, parse_dsn
from pydantic import SecretStr

from schemas.secret_files import BadSetting
from schemas.settings import DatabaseSettings

TLS = ("sslmode", "sslrootcert", "sslcert", "sslkey")


def connect_database(
    url: SecretStr, settings: DatabaseSettings, name: str, statement_timeout_s: int | None = None
) -> Connection:
    """A connection of one role with time limits everywhere. `name` shows in pg_stat_activity.

    statement_timeout_s: instead of the settings' own; 0 for none, as a migration needs.
    Raises psycopg2.OperationalError when the database cannot be reached, BadSetting when the URL is none.
    """
    limit_s = settings.statement_timeout_s if statement_timeout_s is None else statement_timeout_s
    parts(url, f"{name}: COLDWATCH_DATABASE__*_URL")
    connection: Connection = psycopg2.connect(
        url.get_secret_value(),
        **{key: value for key in TLS if (value := getattr(settings, key))},
        connect_timeout=settings.connect_timeout_s,
        application_name=f"coldwatch-{name}",
        keepalives_idle=5,
        keepalives_interval=2,
        keepalives_count=3,
        tcp_user_timeout=15_000,
        options=f"-c statement_timeout={limit_s}s -c timezone=UTC"
        " -c idle_in_transaction_session_timeout=60s -c client_min_messages=warning",
    )
    return connection


def parts(url: SecretStr, variable: str) -> dict[str, str]:
    """host, user, password, dbname and so on of a URL or connection string, as libpq reads it.

    Raises BadSetting, which names `variable`; libpq's own words would show the URL, and the password in it.
    """
    try:
        return dict(parse_dsn(url.get_secret_value()))
    except psycopg2.ProgrammingError:
        raise BadSetting(
            f"{variable} 不是 PostgreSQL 地址：应为 postgresql://用户:口令@主机:端口/库 / "
            f"{variable} is no PostgreSQL address: it should be postgresql://user:password@host:port/database"
        ) from None


def with_parts(url: SecretStr, **changed: str) -> SecretStr:
    """The same address with other parts, e.g. another user and password, as a connection string of libpq."""
    return SecretStr(make_dsn(url.get_secret_value(), **changed))
