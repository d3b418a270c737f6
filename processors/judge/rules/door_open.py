"""Door open too long: metric `open` (1 open, 0 closed) for the dwell. State machine in `processors.judge.episodes`."""

from typing import Final

from processors.judge.episodes import Breach, step
from processors.judge.rule import Rule

METRIC: Final = "open"


def applies(metric: str) -> bool:
    return metric == METRIC


RULE: Final = Rule(
    name="door_open",
    scope="point",
    applies=applies,
    state=Breach,
    step=step,
    zh="库门开启超过规定时长；关门后结束。",
    en="The door has been open for longer than allowed; it ends when the door is closed.",
)
