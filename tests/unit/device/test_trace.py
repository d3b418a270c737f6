"""A recorded trace out of a CSV file: values in the metric's unit, new times, and a reason for what is unusable."""

import pytest

from coldwatch.operate.csv_text import UnusableFile, delimiter_of
from coldwatch.operate.device_file import read_rows
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


def test_an_unquoted_decimal_comma_is_refused_and_not_read_as_its_whole_part() -> None:
    trace = read_trace(b'time,v\n1,4,10\n2,"4,10"\n3,4.1\n4,4.2,\n', "v", "", "C")
    assert [row.value for row in trace.rows] == [4.1, 4.2]
    assert [(one.line, one.code) for one in trace.unusable] == [(2, "surplus_cells"), (3, "not_a_number")]
    assert "--delimiter" in trace.unusable[0].en
    assert "--decimal" in trace.unusable[1].zh


def test_a_decimal_comma_in_the_first_of_two_columns_is_refused_too() -> None:
    trace = read_trace(b"v,note\n4,10,warm\n4.1,ok\n", "v", "", "C")
    assert [row.value for row in trace.rows] == [4.1]


@pytest.mark.parametrize(
    ("content", "delimiter", "decimal", "values"),
    [
        (b"time;v\n1;4,10\n2;-18,5\n", ";", ",", [4.1, -18.5]),
        (b"time\tv\n1\t4.10\n", "\t", ".", [4.1]),
        (b"time;v\n1;4.10\n", ";", ",", []),
        (b"time;v\n1;1.234,5\n", ";", ",", []),
    ],
    ids=["semicolons and decimal commas", "tabs", "a point where a comma was said", "thousands"],
)
def test_other_delimiters_and_the_decimal_comma_have_an_option(
    content: bytes, delimiter: str, decimal: str, values: list[float]
) -> None:
    trace = read_trace(content, "v", "", "C", delimiter, decimal)
    assert [row.value for row in trace.rows] == values


@pytest.mark.parametrize(
    ("between", "named"), [(";", "';'"), ("\t", "'TAB'"), ("|", r"'\|'"), ("；", "'；'")]
)
def test_another_delimiter_than_the_comma_is_named(between: str, named: str) -> None:
    content = f"time{between}v\n1{between}4.1\n".encode()
    with pytest.raises(UnusableFile, match=f"--delimiter {named}"):
        read_trace(content, "v", "", "C")
    with pytest.raises(UnusableFile, match=f"--delimiter {named}"):
        read_rows(f"id{between}kind{between}enterprise{between}site\n".encode())


def test_a_device_file_with_semicolons_is_read_when_told_so() -> None:
    (row,) = read_rows(b"id;kind;enterprise;site\nroom-1;probe;e;s\n", ";")
    assert (row.wish.id, row.wish.site) == ("room-1", "s")


@pytest.mark.parametrize("text", ["", ";;", '"', "\n"])
def test_what_can_be_no_delimiter_is_refused(text: str) -> None:
    with pytest.raises(UnusableFile, match="TAB"):
        delimiter_of(text)


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
