"""`coldwatch demo`."""

import typer


def register(app: typer.Typer) -> None:
    """Adds the command(s) to the app."""
