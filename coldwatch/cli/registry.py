"""What the commands on the registry share: reaching it, and how a refusal ends them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

import psycopg2
import typer

from coldwatch.wiring import saved_settings
from coldwatch.wiring.connections import connect_database
from ingest.places import Problem
from ingest.registry import PostgresRegistry
from schemas.errors import Temporary
from schemas.settings import Settings

EXIT_SOME = 1
"""Some of it was refused, the rest is done."""
EXIT_REFUSED = 2
EXIT_CANNOT = 3
T = TypeVar("T")


def accepted(answer: T | Problem) -> T:
    """What the registry has done; a refusal is told and ends the command."""
    if isinstance(answer, Problem):
        raise refused(answer.sentence())
    return answer


def refused(sentence: str) -> typer.Exit:
    """Tells why not; to be raised."""
    typer.echo(sentence, err=True)
    return typer.Exit(EXIT_REFUSED)


@contextmanager
def open_registry() -> Iterator[tuple[PostgresRegistry, Settings]]:
    """The registry of the running stack, or of the database that the settings name."""
    settings = saved_settings.of_running(Settings())
    if not settings.database.pipeline_url.get_secret_value():
        typer.echo(
            "不知道数据库在哪里：先执行 coldwatch up，或设置 COLDWATCH_DATABASE__PIPELINE_URL / "
            "no database is known: run `coldwatch up` first, or set COLDWATCH_DATABASE__PIPELINE_URL",
            err=True,
        )
        raise typer.Exit(EXIT_CANNOT)
    try:
        connection = connect_database(settings.database.pipeline_url, settings.database, "device")
        try:
            yield PostgresRegistry(connection), settings
        finally:
            connection.close()
    except (
        ValueError
    ) as error:  # psycopg2's own, of NUL; and of lone surrogates, which stand for what is no UTF-8
        if not isinstance(error, UnicodeEncodeError) and "NUL" not in str(error):
            raise
        raise refused(
            "参数里有无法保存的字符（NUL，或不是 UTF-8） / "
            "an argument has characters that cannot be kept (NUL, or no UTF-8)"
        ) from None
    except (psycopg2.OperationalError, Temporary) as error:
        typer.echo(
            "数据库无法访问，coldwatch status 可看状态 / "
            f"the database cannot be reached, see `coldwatch status`: {error}",
            err=True,
        )
        raise typer.Exit(EXIT_CANNOT) from None
