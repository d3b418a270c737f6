"""The command line: one file per group of commands, each with `register(app)`.

What is installed beside the product (a checkout's local stack and simulated city) adds its own groups by entry points
`coldwatch.commands`.
"""

from importlib import import_module
from importlib.metadata import entry_points

import typer

GROUPS = ("prepare", "serve", "device", "person", "replay", "settings")

app = typer.Typer(
    name="coldwatch",
    help="冷链、快检、明厨亮灶监测 · cold-chain, rapid-test and kitchen-camera supervision",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    add_completion=False,
)
for group in GROUPS:
    import_module(f"coldwatch.cli.{group}").register(app)
for point in sorted(entry_points(group="coldwatch.commands"), key=lambda point: point.name):
    point.load()(app)
