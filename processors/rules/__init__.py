"""The rules: one pure file each, one line in `RULES`, one folder of cases in tests/cases/rules."""

from typing import Final

from processors.rule import Rule, Said
from processors.rules import clock, door_open, excursion, positive_test, refused, silence

RULES: Final[dict[str, Rule]] = {
    "excursion": excursion.RULE,
    "door_open": door_open.RULE,
    "silence": silence.RULE,
    "clock": clock.RULE,
    "refused": refused.RULE,
    "positive_test": positive_test.RULE,
}

__all__ = ["RULES", "Rule", "Said"]
