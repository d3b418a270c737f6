"""CSV files as people hand them in: UTF-8 with or without a mark, or GB 18030 as Chinese spreadsheets write it."""

import csv
import io
from typing import Final, NamedTuple

OTHERS: Final = (";", "\t", "|", "，", "；")
"""What stands between columns where it is no comma."""


class UnusableFile(Exception):
    """The file is not the table that was asked for; the message says what to change."""


class Table(NamedTuple):
    """header: the names of the columns. rows: the number of each line as an editor counts, and its cells."""

    header: list[str]
    rows: list[tuple[int, list[str]]]


def read_table(content: bytes, delimiter: str = ",") -> Table:
    """The header and all lines that hold something. Raises UnusableFile when the bytes are no such text."""
    reader = csv.reader(io.StringIO(text_of(content), newline=""), delimiter=delimiter)
    try:
        header = [name.strip() for name in next(reader, [])]
        rows = [(reader.line_num, cells) for cells in reader if any(cells)]
    except csv.Error as error:
        raise UnusableFile(
            f"第 {reader.line_num} 行不是 CSV：{error} / line {reader.line_num} is not CSV: {error}"
        ) from error
    _check_delimiter(header, delimiter)
    return Table(header, rows)


def surplus(header: list[str], cells: list[str]) -> bool:
    """Whether a line has more cells than there are columns, empty ones at its end aside: `4,10` is two of them."""
    return any(cell.strip() for cell in cells[len(header) :])


def _check_delimiter(header: list[str], delimiter: str) -> None:
    found = next((other for other in OTHERS if other in "".join(header)), None) if len(header) == 1 else None
    if found is not None and found != delimiter:
        shown = "TAB" if found == "\t" else found
        raise UnusableFile(
            f"列之间用的是“{shown}”而不是“{delimiter}”：请加 --delimiter '{shown}'，或另存为逗号分隔 / the columns are "
            f"separated by '{shown}', not by '{delimiter}': give --delimiter '{shown}', or save it with commas"
        )


def delimiter_of(text: str) -> str:
    """What was given as a delimiter: one character, or TAB. Raises UnusableFile."""
    delimiter = "\t" if text.upper() == "TAB" else text
    if len(delimiter) != 1 or delimiter in '"\r\n':
        raise UnusableFile(
            f"分隔符“{text}”不行：一个字符，或 TAB / delimiter '{text}' will not do: one character, or TAB"
        )
    return delimiter


def text_of(content: bytes) -> str:
    """Raises UnusableFile when the bytes are text in neither encoding."""
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise UnusableFile("文件编码无法识别，请存为 UTF-8 / unknown encoding: save the file as UTF-8")
