"""A rapid-test instrument: reports results, when somebody tests."""

from typing import Final

from ingest.kinds._kind import Kind

INSTRUMENT: Final = Kind(
    name="instrument",
    zh="快检仪",
    en="rapid-test instrument",
    channels=("result",),
    profile="instrument",
    interval_us=3_600_000_000,
    sample={"number": "1", "sample": "菠菜", "item": "农药残留", "verdict": "合格"},
)
