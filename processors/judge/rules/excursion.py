"""Excursion: a measured value out of its profile's limits for the dwell. State machine in `judge.episodes`."""

from typing import Final

from processors.judge import episodes
from processors.judge.rule import PointRule

OPEN: Final = "open"


def applies(metric: str) -> bool:
    """Every measured metric whose profile has a limit; doors have their own rule."""
    return metric not in ("", OPEN)


RULE: Final = PointRule(
    name="excursion",
    applies=applies,
    state=episodes.Breach,
    step=episodes.judge_sample,
    end=episodes.end,
    guard=episodes.guard,
    shows=episodes.breach_since,
    pends=episodes.pending_since,
    zh="数值超出限值，且实测超限时间达到规定时长；回到限值以内（含回差）连续若干次后结束。",
    en="The value was out of its limits for the dwell, counted in measured time; "
    "it ends after several samples back inside by the hysteresis.",
)
