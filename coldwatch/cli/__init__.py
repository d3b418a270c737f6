"""The command line: one file per group of commands, each with `register(app)`; imported when asked for."""

from importlib import import_module

import typer

GROUPS = ("stack", "serve", "device", "person", "simulate", "replay", "demo", "settings")

app = typer.Typer(
    name="coldwatch",
    help="冷链、快检、明厨亮灶监测 · cold-chain, rapid-test and kitchen-camera supervision",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    add_completion=False,
)
for group in GROUPS:
    import_module(f"coldwatch.cli.{group}").register(app)
