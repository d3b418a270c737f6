"""A CSV file of devices to enrol: read by line, each with its own error; written back as a file of tokens."""

import csv
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, NamedTuple, TextIO

from coldwatch.operate.csv_text import UnusableFile, read_table, surplus
from coldwatch.operate.durations import parse_duration_us
from ingest import places
from ingest.onboarding import Enrolment, Problem
from ingest.registry import Enrolled, Registry
from schemas.device_topics import topic_prefix

REQUIRED: Final = ("id", "kind", "enterprise", "site")
OPTIONAL: Final = ("asset", "county", "behind", "interval", "profile")
PLACES: Final = ("county_name", *places.COLUMNS)
"""What the county, enterprise, site and asset are, when they are new."""
COLUMNS: Final = REQUIRED + OPTIONAL + PLACES
BATCH: Final = 500


class Row(NamedTuple):
    """One line of the file, counted as an editor counts: the wish, or why it is none."""

    line: int
    wish: Enrolment | Problem


class Outcome(NamedTuple):
    line: int
    id: str
    answer: Enrolled | Problem


def read_rows(content: bytes, delimiter: str = ",") -> list[Row]:
    """The rows of a CSV file with a header, UTF-8 or GB 18030 as spreadsheets write it. Raises UnusableFile."""
    header, rows = read_table(content, delimiter)
    _check_header(header)
    return [Row(line, _wish(header, cells)) for line, cells in rows]


def _check_header(header: list[str]) -> None:
    missing = [name for name in REQUIRED if name not in header]
    unknown = [name for name in header if name not in COLUMNS]
    if missing or unknown or len(set(header)) != len(header):
        raise UnusableFile(
            f"表头不对（缺 {missing}，多 {unknown}）：第一行应为 {','.join(COLUMNS)} 中的列 / wrong header (missing "
            f"{missing}, unknown {unknown}): the first line names columns out of {','.join(COLUMNS)}"
        )


def _wish(header: list[str], cells: list[str]) -> Enrolment | Problem:
    if surplus(header, cells):
        return Problem(
            "row",
            f"有 {len(cells)} 列，表头只有 {len(header)} 列",
            f"{len(cells)} cells under {len(header)} headers",
        )
    values = dict(zip(header, (cell.strip() for cell in cells), strict=False))
    if any("\0" in value for value in values.values()):
        return Problem("row", "含有 NUL（0x00）", "NUL (0x00) in it")
    interval = values.pop("interval", "")
    try:
        interval_us = parse_duration_us(interval) if interval else None
    except ValueError as error:
        zh, _, en = str(error).partition(" / ")
        return Problem("interval", zh, en)
    return Enrolment(
        **{name: values.get(name, "") for name in REQUIRED}, **_rest(values), interval_us=interval_us
    )


def _rest(values: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in values.items() if name not in REQUIRED}


def enrol_rows(
    registry: Registry, rows: list[Row], enrolled: Callable[[list[Outcome]], None]
) -> Iterator[list[Outcome]]:
    """Enrols in batches, gateways first, and yields each batch's outcomes; `enrolled` has had the tokens by then."""
    bad = [Outcome(row.line, "", row.wish) for row in rows if isinstance(row.wish, Problem)]
    if bad:
        yield bad
    wishes = [(row.line, row.wish) for row in rows if isinstance(row.wish, Enrolment)]
    wishes.sort(key=lambda pair: pair[1].kind != "gateway")
    for start in range(0, len(wishes), BATCH):
        batch = wishes[start : start + BATCH]
        answers = registry.enrol_many([wish for _, wish in batch])
        outcomes = [
            Outcome(line, wish.id, answer) for (line, wish), answer in zip(batch, answers, strict=True)
        ]
        enrolled([outcome for outcome in outcomes if isinstance(outcome.answer, Enrolled)])
        yield outcomes


class TokenFile:
    """Where the tokens of an import go, batch by batch; its owner's alone, never over an existing file."""

    def __init__(self, path: Path) -> None:
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            raise UnusableFile(
                f"{path} 已存在，里面可能是上次的令牌：请移走它或用 --tokens 另指一个 / "
                f"{path} exists and may hold earlier tokens: move it away or name another with --tokens"
            ) from None
        except OSError as error:
            raise UnusableFile(f"{path}: {error.strerror}") from None
        self.path = path
        self._file: TextIO = os.fdopen(descriptor, "w", encoding="utf-8", newline="")
        self._writer = csv.writer(self._file)
        self._writer.writerow(("id", "token", "topic_prefix"))

    def add(self, outcomes: list[Outcome]) -> None:
        """Writes and flushes; a device behind a gateway has an empty token."""
        for outcome in outcomes:
            if isinstance(outcome.answer, Enrolled):
                device = outcome.answer.device
                prefix = topic_prefix(device.enterprise, device.id)
                self._writer.writerow((device.id, outcome.answer.token, prefix))
        self._file.flush()

    def close(self) -> None:
        self._file.close()
