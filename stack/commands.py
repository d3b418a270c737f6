"""`coldwatch up | down | status | doctor | reset`: the local stack by hand.

Exit codes: 0 done, or all is well; 1 it runs but not everything is ready, or a check failed; 3 it cannot be done, or
nothing runs.
"""

import json
import sys
from typing import Annotated

import typer
from rich.console import Console
from rich.live import Live

from schemas.errors import Permanent
from schemas.settings import Settings
from stack import control, doctor, services, status, status_table

EXIT_NOT_WELL = 1
EXIT_CANNOT = 3
REFRESH_S = 2.0


def register(app: typer.Typer) -> None:
    """Adds the commands to the app."""
    app.command("up")(up)
    app.command("down")(down)
    app.command("status")(show_status)
    app.command("doctor")(check)
    app.command("reset")(reset)


def up(
    detach: Annotated[bool, typer.Option("--detach", "-d", help="就绪后转入后台 · leave it running")] = False,
    no_services: Annotated[
        bool, typer.Option("--no-services", help="只启动 Kafka 与数据库 · the servers alone")
    ] = False,
    in_background: Annotated[bool, typer.Option(hidden=True, help="what --detach starts")] = False,
) -> None:
    """启动全部并看管，直到 Ctrl-C · start everything and watch it until Ctrl-C."""
    settings, tell = Settings(), typer.echo
    try:
        if detach:
            control.start_detached(settings, no_services, tell)
            _tell_addresses(settings)
        else:
            names = () if no_services else services.NAMES
            on_ready = (lambda: None) if in_background else (lambda: _tell_addresses(settings))
            control.run_until_stopped(settings, names, tell, on_ready)
    except Permanent as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(EXIT_CANNOT) from None


def _tell_addresses(settings: Settings) -> None:
    """To a person, never to a log: the first administrator's password is among it."""
    from coldwatch.operate.first_admin import first_admin, login_lines

    running, _ = status.load(settings)
    typer.echo("就绪 · ready")
    typer.echo(f"  页面 · console  {status.console_url(running)}")
    for line in login_lines(first_admin(running)):
        typer.echo(f"  {line}")
    typer.echo(f"  MQTT            {running.gateway.host}:{running.gateway.port}")
    typer.echo(f"  Kafka           {running.kafka.bootstrap}")


def down() -> None:
    """按顺序停止全部进程 · stop every process in order."""
    try:
        control.stop_running(Settings(), typer.echo)
    except Permanent as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(EXIT_CANNOT) from None


def reset() -> None:
    """停止并删除本目录的数据、日志与口令 · stop, then delete this home's data, logs and passwords."""
    try:
        control.reset(Settings(), typer.echo)
    except Permanent as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(EXIT_CANNOT) from None


def show_status(
    as_json: Annotated[bool, typer.Option("--json", help="供程序读取 · for programs")] = False,
    secrets: Annotated[
        bool, typer.Option("--secrets", help="--json 里带口令 · passwords in --json, too")
    ] = False,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="持续刷新 · keep it on the screen")] = False,
) -> None:
    """服务、速率、积压、台账 · services, rates, lag, ledger."""
    settings, found = status.load(Settings())
    if as_json:
        _print_json(settings, secrets)
    elif watch:
        _watch(settings)
    else:
        watcher = status_table.Watcher(settings)
        Console().print(watcher.table(found))
        watcher.close()
    if not status.is_running(found):
        raise typer.Exit(EXIT_CANNOT)
    if not status.all_ready(found):
        raise typer.Exit(EXIT_NOT_WELL)


def _print_json(settings: Settings, secrets: bool) -> None:
    _, found = status.load(settings)
    books: dict[str, object] = {}
    if status.is_running(found):
        try:
            books = status.read_ledger(settings)
        except status.Unreachable as error:
            typer.echo(str(error), err=True)
    typer.echo(json.dumps(status.as_json(settings, found, books, secrets)))


def _watch(settings: Settings) -> None:
    watcher = status_table.Watcher(settings)
    try:
        with Live(console=Console(), auto_refresh=False, screen=sys.stdout.isatty()) as live:
            while True:
                _, found = status.load(settings)
                live.update(watcher.table(found), refresh=True)
                control.rest(REFRESH_S)
    except KeyboardInterrupt:
        pass
    finally:
        watcher.close()


def check() -> None:
    """逐项检查本机与运行中的服务，给出办法 · check this machine and what runs, with a remedy each."""
    findings = doctor.examine(Settings())
    Console().print(doctor.table(findings))
    if any(finding.verdict is doctor.Verdict.BAD for finding in findings):
        raise typer.Exit(EXIT_NOT_WELL)
