"""What a device kind is: data. Adding a kind is one file that fills this in, and one line in KINDS."""

import msgspec


class Metric(msgspec.Struct, frozen=True, kw_only=True):
    """One quantity a kind measures. `possible_*` (inclusive) bound what can be true at all; limits are in the profile.

    unit: UCUM or SenML name. codes: values inside the range that are no measurement but a code of the sensor, with
    what they mean. switch: only 0 and 1 are possible, and true and false are accepted for them.
    """

    name: str
    unit: str
    possible_low: float
    possible_high: float
    codes: dict[float, str] = {}
    switch: bool = False


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """A device kind. `channels`: where it may publish. `sample`: a payload that a new device's owner can try,
    without its time (see docs/devices.md); empty when there is none to paste.
    """

    name: str
    zh: str
    en: str
    metrics: tuple[Metric, ...] = ()
    channels: tuple[str, ...] = ()
    profile: str
    interval_us: int
    sample: dict[str, object] = {}

    def metric(self, name: str) -> Metric | None:
        return next((metric for metric in self.metrics if metric.name == name), None)
