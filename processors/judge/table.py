"""A table of rules: who judges what. The engine is given one and names no row of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from processors.judge.rule import DeviceRule, GatewayRule, PointRule, ResultRule, Rule


@dataclass(frozen=True)
class RuleTable:
    """The rules by what they judge, each in the order in which they are stepped."""

    point: tuple[PointRule, ...] = ()
    device: tuple[DeviceRule, ...] = ()
    result: tuple[ResultRule, ...] = ()
    gateway: tuple[GatewayRule, ...] = ()
    _of_metric: dict[str, tuple[PointRule, ...]] = field(default_factory=dict, repr=False, compare=False)

    def __iter__(self) -> Iterator[Rule]:
        return iter((*self.point, *self.device, *self.result, *self.gateway))

    def of_metric(self, metric: str) -> tuple[PointRule, ...]:
        """The rules of a point, in table order."""
        found = self._of_metric.get(metric)
        if found is None:
            found = self._of_metric[metric] = tuple(rule for rule in self.point if rule.applies(metric))
        return found

    @cached_property
    def ticks(self) -> bool:
        """Whether any point rule wants to know of the passing of time."""
        return any(rule.tick for rule in self.point)

    @cached_property
    def every_reading(self) -> bool:
        """Whether any device rule wants to see every reading."""
        return any(rule.every_sample for rule in self.device)

    def and_rules(
        self,
        point: Sequence[PointRule] = (),
        device: Sequence[DeviceRule] = (),
        result: Sequence[ResultRule] = (),
    ) -> "RuleTable":
        """This table and more rules behind its own."""
        return RuleTable(
            (*self.point, *point), (*self.device, *device), (*self.result, *result), self.gateway
        )
