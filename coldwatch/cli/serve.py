"""`coldwatch serve NAME`: runs one service in the foreground; what systemd and the local stack start."""

import sys
from typing import Annotated

import structlog
import typer

from coldwatch import serve
from schemas.errors import Permanent
from schemas.settings import Settings

EXIT_PERMANENT = 3


def register(app: typer.Typer) -> None:
    @app.command("serve")
    def serve_command(
        name: Annotated[str, typer.Argument(help=f"服务名 · one of {', '.join(serve.SERVICES)}")],
    ) -> None:
        """运行一个服务 · run one service until SIGTERM."""
        if name not in serve.SERVICES:
            raise typer.BadParameter(f"{name}: one of {', '.join(serve.SERVICES)}")
        try:
            code = serve.SERVICES[name].run(Settings())
        except Permanent as error:
            structlog.get_logger().error("cannot_go_on", reason=str(error))
            code = EXIT_PERMANENT
        sys.exit(code)
