"""A recorded trace: a column of values out of a CSV file, put to new times. Pure: bytes in, rows out."""

import math
from collections.abc import Callable
from datetime import datetime
from typing import Final, NamedTuple

from coldwatch.operate.csv_text import Table, UnusableFile, read_table, surplus

DECIMALS: Final = 6
UNITS: Final[dict[str, tuple[str, Callable[[float], float]]]] = {
    "C": ("Cel", lambda value: value),
    "F": ("Cel", lambda value: (value - 32.0) * 5.0 / 9.0),
    "K": ("Cel", lambda value: value - 273.15),
    "%RH": ("%RH", lambda value: value),
    "1": ("1", lambda value: value),
}
"""By the name on the command line: the unit as the kinds write it, and the conversion to it."""


class Row(NamedTuple):
    """Row `number` of the trace, counted from 0, and its line in the file; `value` in the unit of the metric."""

    number: int
    line: int
    value: float


class Listed(NamedTuple):
    """A row that is not, or was not taken, and why."""

    line: int
    code: str
    zh: str
    en: str


class Trace(NamedTuple):
    """length: all rows of the file, since an unusable one keeps its place in time. unordered: lines whose time is
    not after the one before; they are sent nevertheless, as the new times go by position.
    """

    length: int
    rows: list[Row]
    unusable: list[Listed]
    unordered: list[int]


class Timing(NamedTuple):
    """Row i of n is at end - (n-1-i) * interval, in epoch milliseconds."""

    end_ms: int
    interval_ms: int
    length: int

    def at_ms(self, number: int) -> int:
        return self.end_ms - (self.length - 1 - number) * self.interval_ms


def read_trace(
    content: bytes, value_column: str, time_column: str, unit: str, delimiter: str = ",", decimal: str = "."
) -> Trace:
    """The trace in a CSV file with a header. `time_column` "" leaves the recorded times unchecked. decimal: the decimal
    point of its values.

    Raises UnusableFile when the file has no such column, or no row.
    """
    table = read_table(content, delimiter)
    value_at = _column(table.header, value_column)
    time_at = _column(table.header, time_column) if time_column else None
    if not table.rows:
        raise UnusableFile("文件里没有数据 / the file holds no rows")
    return _trace(table, value_at, time_at, UNITS[unit][1], decimal)


def _column(header: list[str], name: str) -> int:
    if name not in header:
        columns = ", ".join(header)
        raise UnusableFile(
            f"没有“{name}”这一列，文件里有：{columns} / no column '{name}', the file has: {columns}"
        )
    return header.index(name)


def _trace(
    table: Table, value_at: int, time_at: int | None, convert: Callable[[float], float], decimal: str
) -> Trace:
    trace = Trace(len(table.rows), [], [], [])
    before: datetime | None = None
    for number, (line, row) in enumerate(table.rows):
        if surplus(table.header, row):
            trace.unusable.append(_surplus(line, len(row), len(table.header)))
            continue
        value = _value(row, value_at, decimal)
        time = None if time_at is None else _time(row, time_at)
        if time_at is not None and time is None:
            trace.unusable.append(
                Listed(
                    line,
                    "bad_time",
                    f"时间无法识别：{_cell(row, time_at)}",
                    f"not a time: {_cell(row, time_at)}",
                )
            )
            continue
        if time is not None:
            if before is not None and time <= before:
                trace.unordered.append(line)
            before = time
        if value is None:
            shown = _cell(row, value_at)
            hint = (
                ("；小数用逗号时加 --decimal ,", "; with decimal commas give --decimal ,")
                if "," in shown
                else ("", "")
            )
            trace.unusable.append(
                Listed(line, "not_a_number", f"不是数字：{shown}{hint[0]}", f"not a number: {shown}{hint[1]}")
            )
            continue
        trace.rows.append(Row(number, line, round(convert(value), DECIMALS)))
    return trace


def _cell(row: list[str], at: int) -> str:
    return row[at].strip() if at < len(row) else ""


def _surplus(line: int, cells: int, columns: int) -> Listed:
    """Nobody can tell which cell is whose."""
    return Listed(
        line,
        "surplus_cells",
        f"有 {cells} 格，表头只有 {columns} 列：带逗号的数值请加引号，或改用别的分隔符（--delimiter）",
        f"{cells} cells under {columns} headers: quote a value that has a comma, or use another --delimiter",
    )


def _value(row: list[str], at: int, decimal: str) -> float | None:
    cell = _cell(row, at)
    if decimal != "." and "." in cell:
        return None
    try:
        value = float(cell.replace(decimal, "."))
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _time(row: list[str], at: int) -> datetime | None:
    """Recorded times are compared with each other alone, so that one without offset will do; all are taken alike."""
    try:
        return datetime.fromisoformat(_cell(row, at)).replace(tzinfo=None)
    except ValueError:
        return None
