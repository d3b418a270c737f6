"""Durations as people write them."""

import pytest

from coldwatch.operate.durations import duration_text, parse_duration_us


@pytest.mark.parametrize(
    ("text", "us"),
    [
        ("60s", 60_000_000),
        ("2", 2_000_000),
        ("500ms", 500_000),
        ("5m", 300_000_000),
        ("5 min", 300_000_000),
        ("1.5H", 5_400_000_000),
        ("7d", 604_800_000_000),
    ],
)
def test_a_duration_is_a_number_and_a_unit(text: str, us: int) -> None:
    assert parse_duration_us(text) == us


@pytest.mark.parametrize("text", ["", "s", "soon", "-1s", "0", "1 fortnight", "nan", "inf", "1e999", "1_"])
def test_anything_else_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="60s"):
        parse_duration_us(text)


@pytest.mark.parametrize("text", ["2s", "60s", "5m", "1h", "7d", "500ms", "90s"])
def test_what_is_written_can_be_read(text: str) -> None:
    assert parse_duration_us(duration_text(parse_duration_us(text))) == parse_duration_us(text)
