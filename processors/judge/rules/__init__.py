"""The rules: one pure file each, one line in `RULES`, one folder of cases in tests/cases/rules."""

from typing import Final

from processors.judge.rule import Rule, Said
from processors.judge.rules import clock, door_open, excursion, gateway_clock, positive_test, refused, silence

RULES: Final[dict[str, Rule]] = {
    "excursion": excursion.RULE,
    "door_open": door_open.RULE,
    "silence": silence.RULE,
    "clock": clock.RULE,
    "refused": refused.RULE,
    "positive_test": positive_test.RULE,
    "gateway_clock": gateway_clock.RULE,
}

POINT_RULES: Final = tuple(rule for rule in RULES.values() if rule.scope == "point")


def rule_of(metric: str) -> str:
    """The rule that judges this metric's values."""
    return next(rule.name for rule in POINT_RULES if rule.applies(metric))


__all__ = ["RULES", "Rule", "Said", "rule_of"]
