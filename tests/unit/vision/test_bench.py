"""Generated sequences, two of every kind: each trouble is found and nothing else is. More of them: bench/vision.py."""

from bench.vision import measure_all


def test_generated_sequences_are_told_apart() -> None:
    result = measure_all(34)
    assert result["sequences"] == 34
    assert result["wrong"] == {}
