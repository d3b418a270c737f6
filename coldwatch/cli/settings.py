"""`coldwatch settings`: every setting with its value and meaning; docs/settings.md is made from it."""

from collections.abc import Iterator
from typing import Annotated, Any

import typer
from pydantic import BaseModel, SecretStr
from rich.console import Console
from rich.table import Table

from schemas.settings import Settings


def register(app: typer.Typer) -> None:
    @app.command("settings")
    def settings_command(
        markdown: Annotated[
            bool, typer.Option("--markdown", help="文档表格 · the table of docs/settings.md")
        ] = False,
    ) -> None:
        """列出全部设置及当前值 · list every setting with its value; secrets are not shown."""
        if markdown:
            typer.echo("\n".join(markdown_rows()))
            return
        table = Table("环境变量 · variable", "值 · value", "说明 · meaning")
        for name, _default, value, meaning in rows(Settings()):
            table.add_row(name, value, meaning)
        Console().print(table)


def rows(settings: BaseModel, prefix: str = "COLDWATCH_") -> Iterator[tuple[str, str, str, str]]:
    """(variable, default, value, meaning) of every setting, nested groups flattened."""
    for name, field in type(settings).model_fields.items():
        value = getattr(settings, name)
        if isinstance(value, BaseModel):
            yield from rows(value, f"{prefix}{name.upper()}__")
        else:
            yield prefix + name.upper(), _shown(field.default), _shown(value), field.description or ""


def markdown_rows() -> list[str]:
    """The rows of docs/settings.md, from the defaults alone."""
    lines = ["| variable | default | meaning |", "|---|---|---|"]
    for name, default, _value, meaning in rows(Settings.model_construct()):
        lines.append(f"| `{name}` | {f'`{default}`' if default else 'empty'} | {meaning} |")
    return lines


def _shown(value: Any) -> str:
    if isinstance(value, SecretStr):
        return "(set)" if value.get_secret_value() else ""
    return str(value)
