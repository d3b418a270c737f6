"""SQL lives in .sql files: statements with names (`-- name: ...`), beside the one stage that owns them."""

import re
from importlib import resources


def load(package: str, file: str) -> dict[str, str]:
    """The named statements of one file of a package, with their comments: they help whoever reads the server's log."""
    return parse((resources.files(package) / file).read_text(encoding="utf-8"))


def parse(text: str) -> dict[str, str]:
    """Splits at lines `-- name: the_name`. Raises ValueError when a name comes twice or none is there."""
    pieces = re.split(r"^-- name: (\w+)[^\n]*\n", text, flags=re.MULTILINE)
    names = pieces[1::2]
    if not names or len(set(names)) != len(names):
        raise ValueError(f"statements need names of their own, found {names}")
    return dict(zip(names, (body.strip() for body in pieces[2::2]), strict=True))
