"""`coldwatch demo`: the simulated city on the real stack. Progress on standard error, the result on standard output."""

import json
from typing import Annotated

import typer
from rich.console import Console

from schemas.errors import ColdwatchError
from schemas.settings import Settings

EXIT_CANNOT = 3
EXIT_INTERRUPTED = 130


def register(app: typer.Typer) -> None:
    """Adds the command to the app."""
    app.command("demo")(demo)


def demo(
    seconds: Annotated[
        float | None,
        typer.Option(
            min=1, envvar="DEMO_SECONDS", help="就绪后运行多久 · how long once all is ready; until Ctrl-C"
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="城市的种子 · seed of the city")] = 7,
) -> None:
    """真实服务上的模拟城市 · the simulated city on the real stack."""
    from city import demo as running
    from city.demo_screen import LiveScreen, PlainScreen
    from coldwatch.operate.first_admin import first_admin

    console = Console(stderr=True)
    screen = (LiveScreen if console.is_terminal else PlainScreen)(console, seconds)
    try:
        closing = running.Demo(Settings(), screen, first_admin, seed, seconds).run()
    except ColdwatchError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(EXIT_CANNOT) from None
    if closing is None:
        raise typer.Exit(0 if seconds is None else EXIT_INTERRUPTED)
    typer.echo(json.dumps(closing))
    raise typer.Exit(running.exit_code(closing))
