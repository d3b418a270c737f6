"""Every connection is opened here, in the front door, and handed down: a cut network may never hang a writer."""

import psycopg2
from pydantic import SecretStr

from schemas.settings import DatabaseSettings


def connect_database(
    url: SecretStr, settings: DatabaseSettings, name: str
) -> "psycopg2.extensions.connection":
    """A connection of one role with time limits everywhere. `name` shows in pg_stat_activity.

    Raises psycopg2.OperationalError when the database cannot be reached.
    """
    connection = psycopg2.connect(
        url.get_secret_value(),
        connect_timeout=settings.connect_timeout_s,
        application_name=f"coldwatch-{name}",
        keepalives_idle=5,
        keepalives_interval=2,
        keepalives_count=3,
        tcp_user_timeout=15_000,
        options=f"-c statement_timeout={settings.statement_timeout_s}s -c timezone=UTC"
        " -c idle_in_transaction_session_timeout=60s -c client_min_messages=warning",
    )
    return connection
