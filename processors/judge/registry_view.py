"""What judging must know of the registry: points, devices and dated profiles, as one value with look-ups."""

from bisect import bisect_right
from collections.abc import Callable, Iterable
from typing import Final

import msgspec

from schemas.profile import DEVICE_METRIC, Profile
from schemas.registry import Device

FOREVER_US: Final = 4_102_444_800_000_000
"""2100-01-01: no time of ours lies beyond it."""


class PointFacts(msgspec.Struct, frozen=True, gc=False):
    """One point as the rules see it. profile: name of its device's profile."""

    id: int
    device: str
    metric: str
    unit: str
    interval_us: int
    profile: str


class RegistryView:
    """Points, devices and profiles. `missing` is asked once for what is not here and may fill it in.

    `number` counts changes: caches that rest on the registry are dropped when it has moved.
    """

    def __init__(
        self,
        devices: Iterable[Device] = (),
        profiles: Iterable[Profile] = (),
        missing: Callable[["RegistryView"], None] = lambda registry: None,
    ) -> None:
        self.number = 0
        self._missing = missing
        self._devices: dict[str, Device] = {}
        self._points: dict[int, PointFacts] = {}
        self._profiles: dict[tuple[str, str], list[Profile]] = {}
        self.put(devices, profiles)

    def put(self, devices: Iterable[Device], profiles: Iterable[Profile] | None = None) -> None:
        """Adds or replaces devices; replaces all profiles when given."""
        for device in devices:
            self._devices[device.id] = device
            for p in device.points:
                facts = PointFacts(p.id, device.id, p.metric, p.unit, device.interval_us, device.profile)
                self._points[p.id] = facts
        if profiles is not None:
            self._profiles = {}
            for profile in sorted(profiles, key=lambda row: (row.effective_from_us, row.version)):
                if profile.enabled:
                    self._profiles.setdefault((profile.name, profile.metric), []).append(profile)
        self.number += 1

    def point(self, point: int) -> PointFacts | None:
        found = self._points.get(point)
        if found is None:
            self._missing(self)
            found = self._points.get(point)
        return found

    def device(self, device: str) -> Device | None:
        found = self._devices.get(device)
        if found is None:
            self._missing(self)
            found = self._devices.get(device)
        return found

    def known_device(self, device: str) -> Device | None:
        """Without asking: for what is told rather than judged (a row's enterprise)."""
        return self._devices.get(device)

    def profile(self, name: str, metric: str, at_us: int) -> tuple[Profile | None, int]:
        """The row in force at at_us and until when it is; None where no row has begun."""
        rows = self._profiles.get((name, metric), [])
        if len(rows) == 1 and at_us >= rows[0].effective_from_us:  # the usual case, and asked for often
            return rows[0], FOREVER_US
        index = bisect_right(rows, at_us, key=lambda row: row.effective_from_us)
        until = rows[index].effective_from_us if index < len(rows) else FOREVER_US
        return (rows[index - 1] if index else None), until

    def device_profile(self, name: str, at_us: int) -> Profile:
        """The profile's device-wide row (silence, clock, refusals); our defaults where there is none."""
        row, _ = self.profile(name, DEVICE_METRIC, at_us)
        return row or Profile(name=name, version=0, metric=DEVICE_METRIC)

    def silence_window(self, facts: PointFacts, at_us: int) -> int:
        """After how long without a word a point of this device is silent, in us."""
        rows = self._profiles.get((facts.profile, DEVICE_METRIC))
        if (
            rows and len(rows) == 1 and at_us >= rows[0].effective_from_us
        ):  # asked for every device now and then
            return int(facts.interval_us * rows[0].silence_intervals)
        return int(facts.interval_us * self.device_profile(facts.profile, at_us).silence_intervals)
