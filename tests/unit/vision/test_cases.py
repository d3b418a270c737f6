"""Every case of tests/cases/vision: a drawn sequence and the episodes that must come of it, to the frame."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from bench.kitchen import Sequence
from bench.vision import judge
from processors.frames.vision.decode import Decoder

CASES = sorted((Path(__file__).parents[2] / "cases" / "vision").glob("*/*.json"))


@pytest.fixture(scope="module")
def decoder() -> Iterator[Decoder]:
    with Decoder() as made:
        yield made


@pytest.mark.parametrize("path", CASES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_case(path: Path, decoder: Decoder) -> None:
    sequence = msgspec.json.decode(path.read_bytes(), type=Sequence)
    episodes, _ = judge(sequence, decoder)
    assert episodes == [tuple(run) for run in sequence.expect]


def test_each_check_has_cases_that_find_and_cases_that_do_not() -> None:
    for folder in {path.parent for path in CASES}:
        expected = [
            bool(msgspec.json.decode(path.read_bytes(), type=Sequence).expect)
            for path in folder.glob("*.json")
        ]
        assert any(expected)
        assert not all(expected)
