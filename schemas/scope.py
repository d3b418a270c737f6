"""PURE. Whose rows somebody sees: all, a county's, an enterprise's, or none.

One definition for Python and SQL: a row bears a few marks (`marks_of`), a scope is one mark, and a scope sees the rows
that bear it. A transaction of role web runs under the setting `coldwatch.scope`; the function `coldwatch_sees` of
`schemas/tables/0006_scope.sql` says the same as `Scope.sees`, and tests/integration/test_scope.py holds them together.
A setting that is absent or is no scope is a mark that no row bears, so it shows nothing.
"""

from typing import Final

import msgspec

SETTING: Final = "coldwatch.scope"


class Scope(msgspec.Struct, frozen=True):
    """`setting` is what the database is told. Made by the functions and constants below, or by `parse`."""

    setting: str

    def sees(self, enterprise: str | None, county: str | None) -> bool:
        """Whether a row of this enterprise, which lies in that county, is shown. A row without enterprise is the
        system's own (a gateway's clock, say) and is seen by `ALL` alone."""
        return self.setting in marks_of(enterprise, county)


NONE: Final = Scope("none")
ALL: Final = Scope("all")


def of_county(id: str) -> Scope:
    """Raises ValueError when `id` is empty: that is no county."""
    return _marked("county:", id)


def of_enterprise(id: str) -> Scope:
    """Raises ValueError when `id` is empty: that is no enterprise."""
    return _marked("enterprise:", id)


def marks_of(enterprise: str | None, county: str | None) -> frozenset[str]:
    """The scopes that see a row, as settings."""
    marks = {ALL.setting}
    if enterprise:
        marks.add("enterprise:" + enterprise)
        if county:
            marks.add("county:" + county)
    return frozenset(marks)


def parse(setting: str | None) -> Scope:
    """The scope of a setting; `NONE` for one that is absent or malformed."""
    if setting == ALL.setting:
        return ALL
    reach, separator, id = (setting or "").partition(":")
    if separator and id and reach in ("county", "enterprise"):
        return Scope(f"{reach}:{id}")
    return NONE


def _marked(prefix: str, id: str) -> Scope:
    if not id:
        raise ValueError(f"a scope {prefix} needs a name")
    return Scope(prefix + id)
