"""`coldwatch prepare`: roles, tables and topics on the Kafka and the PostgreSQL that the settings name.

Exit codes: 0 done, or nothing was missing; 2 a setting is wrong; 3 it cannot be done, e.g. a server is away.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from schemas.errors import Permanent
from schemas.secret_files import SUFFIX, BadSetting
from schemas.settings import Settings

if TYPE_CHECKING:
    from coldwatch.operate.prepare import Prepared

EXIT_BAD_SETTING = 2
EXIT_CANNOT = 3


def register(app: typer.Typer) -> None:
    app.command("prepare")(prepare_command)


def prepare_command(
    secrets: Annotated[
        Path | None, typer.Option(help="新口令写到哪个目录 · where new passwords go; default: HOME/secrets")
    ] = None,
) -> None:
    """建角色、数据表与主题；可重复执行 · make roles, tables and topics; safe to repeat."""
    import psycopg2  # what only this command needs is imported when it is asked for
    from kafka.errors import KafkaError

    from coldwatch.operate import prepare
    from coldwatch.wiring import kafka

    settings = Settings()
    try:
        kafka.options(settings.kafka)  # a wrong setting is told before anything is changed
        made = prepare.prepare(settings, (secrets or settings.home / "secrets").absolute())
    except BadSetting as error:
        raise _failed(str(error), EXIT_BAD_SETTING) from None
    except Permanent as error:
        raise _failed(str(error), EXIT_CANNOT) from None
    except psycopg2.OperationalError as error:
        raise _failed(f"数据库无法访问 · the database cannot be reached: {error}", EXIT_CANNOT) from None
    except psycopg2.Error as error:
        raise _failed(
            f"数据库拒绝：OWNER_URL 须为超级用户 · the database refuses: OWNER_URL must be a superuser's: {error}",
            EXIT_CANNOT,
        ) from None
    except KafkaError as error:
        reason = f"{type(error).__name__}: {error}"
        raise _failed(
            f"数据库已就绪，Kafka 无法访问 · the database is ready, Kafka cannot be reached: {reason}",
            EXIT_CANNOT,
        ) from None
    _tell(made)


def _tell(made: "Prepared") -> None:
    for title, names in (
        ("角色 · roles", made.roles),
        ("数据表 · tables", made.tables),
        ("主题 · topics", made.topics),
    ):
        typer.echo(f"{title}: {', '.join(names) if names else '已齐全 · all there'}")
    for variable, file in made.secret_files.items():
        typer.echo(f"口令文件 · password file: {variable}{SUFFIX}={file}")
    for variable in made.unknown:
        typer.echo(
            f"角色已有，口令未变 · the role was there and keeps its password; set {variable} or {variable}{SUFFIX}"
        )


def _failed(sentence: str, code: int) -> typer.Exit:
    typer.echo(sentence.strip(), err=True)
    return typer.Exit(code)
