"""A recorded trace out of a CSV file: values in the metric's unit, new times, and a reason for what is unusable."""

import pytest

from coldwatch.operate.csv_text import UnusableFile
from coldwatch.operate.trace import Listed, Row, Timing, read_trace

CSV = b"time,v\n2026-01-01 00:00,32\n2026-01-01 00:01,x\n2026-01-01 00:02,212\nnever,5\n2026-01-01 00:02,-40\n\n"


def test_values_are_converted_and_keep_their_place() -> None:
    trace = read_trace(CSV, "v", "", "F")
    assert trace.length == 5
    assert trace.rows == [Row(0, 2, 0.0), Row(2, 4, 100.0), Row(3, 5, -15.0), Row(4, 6, -40.0)]


def test_what_is_unusable_is_listed_with_its_line_and_reason() -> None:
    trace = read_trace(CSV, "v", "time", "F")
    assert trace.unusable == [
        Listed(3, "not_a_number", "不是数字：x", "not a number: x"),
        Listed(5, "bad_time", "时间无法识别：never", "not a time: never"),
    ]
    assert trace.unordered == [6]
    assert [row.number for row in trace.rows] == [0, 2, 4]


@pytest.mark.parametrize("cell", ["", "nan", "inf", "1e999", "4,1"])
def test_a_cell_that_is_no_finite_number_is_not_sent(cell: str) -> None:
    trace = read_trace(f'v\n"{cell}"\n5\n'.encode(), "v", "", "C")
    assert [row.value for row in trace.rows] == [5.0]


def test_the_last_row_is_at_the_end_and_the_others_before_it() -> None:
    timing = Timing(end_ms=1_000_000, interval_ms=60_000, length=3)
    assert [timing.at_ms(number) for number in range(3)] == [880_000, 940_000, 1_000_000]


def test_conversion_is_the_same_every_time() -> None:
    content = b"v\n" + b"\n".join(str(n * 0.1).encode() for n in range(1000))
    assert read_trace(content, "v", "", "F") == read_trace(content, "v", "", "F")


@pytest.mark.parametrize(
    ("content", "says"),
    [(b"a,b\n1,2\n", "a, b"), (b"v\n", "no rows"), (b"", "no column"), (b"\xff", "UTF-8")],
)
def test_a_file_without_the_column_says_what_it_has(content: bytes, says: str) -> None:
    with pytest.raises(UnusableFile, match=says):
        read_trace(content, "v", "", "C")


def test_a_short_row_is_unusable_not_an_error() -> None:
    trace = read_trace(b"time,v\n2026-01-01\n", "v", "time", "C")
    assert [one.code for one in trace.unusable] == ["not_a_number"]
