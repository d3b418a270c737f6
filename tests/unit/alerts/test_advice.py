"""Every rule that can open an incident says what to do, in zh and en."""

from alerts.advice import ADVICE
from processors.frames.vision import CHECKS
from processors.judge.rules import RULES


def test_every_rule_has_advice_and_no_advice_is_left_over() -> None:
    rules = set(RULES) | {f"camera_{check}" for check in CHECKS} | {"positive_test"}
    assert set(ADVICE) == rules


def test_advice_is_there_in_both_languages() -> None:
    for advice in ADVICE.values():
        assert advice.zh.endswith("。")
        assert advice.en.endswith(".")
        assert not any("\u4e00" <= c <= "\u9fff" for c in advice.en)
