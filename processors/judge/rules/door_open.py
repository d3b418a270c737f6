"""Door open too long: metric `open` (1 open, 0 closed) for the dwell. State machine in `processors.judge.episodes`."""

from typing import Final

from processors.judge import episodes
from processors.judge.rule import PointRule

METRIC: Final = "open"


def applies(metric: str) -> bool:
    return metric == METRIC


RULE: Final = PointRule(
    name="door_open",
    applies=applies,
    state=episodes.Breach,
    step=episodes.judge_sample,
    end=episodes.end,
    guard=episodes.guard,
    shows=episodes.breach_since,
    pends=episodes.pending_since,
    zh="库门开启超过规定时长；关门后结束。",
    en="The door has been open for longer than allowed; it ends when the door is closed.",
)
