"""The first administrator of an installation: made once, the password handed to whoever can show it to a person."""

from contextlib import closing
from dataclasses import dataclass

from coldwatch.wiring.connections import connect_database
from console.people import ensure_first_admin
from schemas.settings import Settings


@dataclass(frozen=True)
class Login:
    """A name and its password, which is stored only as a hash: shown now or never."""

    name: str
    password: str


def first_admin(settings: Settings) -> Login | None:
    """Makes the administrator of a new installation; None when there is one. Raises psycopg2.OperationalError."""
    connection = connect_database(settings.database.web_url, settings.database, "first-admin")
    with closing(connection):
        made = ensure_first_admin(connection)
    return None if made is None else Login(*made)


def login_lines(first: Login | None) -> list[str]:
    """What to show of the first administrator; nothing when he was there before."""
    if first is None:
        return []
    return [
        f"用户 · user      {first.name}",
        f"密码 · password  {first.password}   (只显示这一次 · shown only this once)",
    ]
