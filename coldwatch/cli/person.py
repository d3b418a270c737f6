"""`coldwatch person`: who may sign in to the console."""

import sys
from contextlib import closing
from typing import Annotated

import psycopg2
import typer

from coldwatch.wiring import saved_settings
from coldwatch.wiring.connections import connect_database
from schemas.errors import Permanent
from schemas.person import Role
from schemas.settings import Settings


def register(app: typer.Typer) -> None:
    group = typer.Typer(help="控制台用户 · people who sign in to the console", no_args_is_help=True)
    app.add_typer(group, name="person")

    @group.command("add")
    def add(
        name: Annotated[str, typer.Argument(help="用户名 · the name to sign in with")],
        role: Annotated[Role, typer.Option(help="角色 · role")],
        enterprise: Annotated[
            str | None, typer.Option(help="企业用户所属企业 · enterprise of an enterprise's person")
        ] = None,
        county: Annotated[
            str | None,
            typer.Option(help="只负责该县区的监测或监管人员 · county of an operator or regulator of one"),
        ] = None,
        password_stdin: Annotated[
            bool,
            typer.Option("--password-stdin", help="从标准输入读密码 · read the password from standard input"),
        ] = False,
    ) -> None:
        """添加用户；不给密码则生成并只显示一次 · add a person; without a password one is made and shown once."""
        from console import people  # argon2 and its work area only when asked for

        password = sys.stdin.readline().rstrip("\r\n") if password_stdin else people.new_password()
        try:
            with closing(_connect()) as connection, connection, connection.cursor() as cursor:
                people.add_person(cursor, name, password, role, enterprise, "command line", county)
        except Permanent as error:
            typer.echo(str(error), err=True)
            raise typer.Exit(2) from error
        except psycopg2.OperationalError as error:
            typer.echo(f"数据库无法访问 · the database cannot be reached: {error}".strip(), err=True)
            raise typer.Exit(2) from error
        typer.echo(f"已添加 · added: {name} ({role.value})")
        if not password_stdin:
            typer.echo(f"密码（只显示这一次） · password (shown this once): {password}")


def _connect() -> psycopg2.extensions.connection:
    settings = saved_settings.of_running(Settings())
    url = settings.database.web_url
    if not url.get_secret_value():
        raise Permanent(
            "还没有数据库：先运行 coldwatch up，或设置 COLDWATCH_DATABASE__WEB_URL ·"
            " there is no database yet: run coldwatch up first, or set COLDWATCH_DATABASE__WEB_URL"
        )
    return connect_database(url, settings.database, "person")
