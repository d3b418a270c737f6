"""The rules: one pure file each, one line in `TABLE`, one folder of cases in tests/cases/rules."""

from typing import Final

from processors.judge.rules import (
    clock,
    door_open,
    excursion,
    gateway_clock,
    positive_test,
    refused,
    refused_positive,
    silence,
    wrong_interval,
)
from processors.judge.table import RuleTable

TABLE: Final = RuleTable(
    point=(
        excursion.RULE,
        door_open.RULE,
    ),
    device=(
        silence.RULE,
        clock.RULE,
        refused.RULE,
        refused_positive.RULE,
        wrong_interval.RULE,
    ),
    result=(positive_test.RULE,),
    gateway=(gateway_clock.RULE,),
)

RULES: Final = {rule.name: rule for rule in TABLE}
