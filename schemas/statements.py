"""SQL lives in .sql files: statements with names (`-- name: ...`), beside the one stage that owns them."""

import re
from collections.abc import Sequence
from importlib import resources
from typing import Any, Protocol


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


class Answer(Protocol):
    """The part of a database cursor that an answer is read from."""

    @property
    def description(self) -> Sequence[Any] | None: ...

    def fetchall(self) -> list[Any]: ...


def rows_of(cursor: Answer) -> list[dict[str, Any]]:
    """The rows of the last statement by the names its columns have in the SQL."""
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
