"""What every rule is: a frozen description, and the one sentence a rule can say of an episode."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from schemas.finding import Change, Severity


class Said(NamedTuple):
    """One version of an episode in the rule's own words; the engine makes a `Finding` of it.

    start_us, end_us: event time for points, received time for devices. peak, limit: in the point's unit.
    """

    change: Change
    version: int
    severity: Severity
    start_us: int
    end_us: int | None = None
    peak: float | None = None
    limit: float | None = None
    detail: dict[str, str] = {}


@dataclass(frozen=True)
class Rule:
    """A rule as others see it. Its functions are in its file; the engine calls them by scope.

    scope: what it judges. applies: whether it judges this metric ("" for devices and results).
    state: the type it keeps while an episode runs (None: it keeps nothing).
    step: what a line does to the state; tick: what the passing of stream time does to it.
    persistent: its episodes do not end by themselves, a person closes them.
    """

    name: str
    scope: Literal["point", "device", "result", "gateway"]
    applies: Callable[[str], bool]
    state: type | None
    step: Callable[..., Any]
    zh: str
    en: str
    tick: Callable[..., Any] | None = None
    persistent: bool = False

    def explain(self, language: str) -> str:
        """What the rule watches, in `zh` or `en`."""
        return self.zh if language.startswith("zh") else self.en
