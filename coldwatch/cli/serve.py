"""`coldwatch serve NAME`: runs one service in the foreground; what systemd and the local stack start."""

import os
import sys
from typing import Annotated

import structlog
import typer

from coldwatch import serve
from schemas.errors import Permanent
from schemas.secret_files import BadSetting
from schemas.settings import Settings

EXIT_BAD_SETTING = 2
EXIT_PERMANENT = 3
NAMES = "；".join(f"{each.name} {each.zh} · {each.en}" for each in serve.SERVICES.values())


def register(app: typer.Typer) -> None:
    @app.command("serve")
    def serve_command(
        name: Annotated[str, typer.Argument(metavar="NAME", help=NAMES)],
    ) -> None:
        """运行一个服务 · run one service until SIGTERM."""
        if name not in serve.SERVICES:
            raise typer.BadParameter(f"{name}: one of {', '.join(serve.SERVICES)}")
        service = serve.SERVICES[name]
        service.forget_foreign(os.environ)
        settings = Settings()
        try:
            code = service.run(settings)
        except Permanent as error:
            structlog.get_logger().error("cannot_go_on", reason=str(error))
            code = EXIT_BAD_SETTING if isinstance(error, BadSetting) else EXIT_PERMANENT
        sys.exit(code)
