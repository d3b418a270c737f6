"""What judging must know of the registry: points, devices and dated profiles, as one value with look-ups."""

from bisect import bisect_right
from collections.abc import Callable, Iterable
from typing import Final

import msgspec

from processors.judge.pace import Pace, interval_us
from schemas.profile import DEVICE_METRIC, Profile
from schemas.registry import KNOWN_AFTER_US, Device, Facts

FOREVER_US: Final = 4_102_444_800_000_000
"""2100-01-01: no time of ours lies beyond it."""


class PointFacts(msgspec.Struct, frozen=True, gc=False):
    """One point as the rules see it, for what is received from from_us up to until_us.

    profile: name of its device's profile. measured: whether the device measures this at all then.
    """

    id: int
    device: str
    metric: str
    unit: str
    interval_us: int
    profile: str
    from_us: int = 0
    until_us: int = FOREVER_US
    measured: bool = True


class RegistryView:
    """Points, devices and profiles, with what held of them and when. `missing` is asked once for what is not here and
    may fill it in.

    `number` moves when something has changed; `changed_since` says of which devices.
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
        self._points: dict[int, tuple[PointFacts, ...]] = {}
        self._profiles: dict[tuple[str, str], list[Profile]] = {}
        self._known: set[Profile] = set()
        self._numbers: dict[str, int] = {}
        self._profiles_number = 0
        self._moments: list[tuple[int, str]] = []
        self.put(devices, profiles)

    def put(self, devices: Iterable[Device], profiles: Iterable[Profile] | None = None) -> None:
        """Adds or replaces devices; replaces all profiles when given. What is as it was counts as no change."""
        number = self.number + 1
        for device in devices:
            if self._devices.get(device.id) != device:
                self._put_device(device)
                self._numbers[device.id] = self.number = number
        if profiles is not None and (rows := set(profiles)) != self._known:
            self._put_profiles(rows)
            self._profiles_number = self.number = number

    def _put_device(self, device: Device) -> None:
        self._devices[device.id] = device
        rows = device.facts or (_always(device),)
        ends = [*(row.from_us for row in rows[1:]), FOREVER_US]
        for p in device.points:
            self._points[p.id] = tuple(
                PointFacts(
                    p.id, device.id, p.metric, p.unit, row.interval_us, row.profile, row.from_us, until_us,
                    p.metric in row.metrics,
                )
                for row, until_us in zip(rows, ends, strict=True)
            )  # fmt: skip
        moments = {row.from_us for row in rows[1:]}
        if device.retired_us is not None:
            moments.add(device.retired_us + KNOWN_AFTER_US)
        others = [moment for moment in self._moments if moment[1] != device.id] if self._moments else []
        if moments or len(others) != len(self._moments):
            self._moments = sorted([*others, *((at_us, device.id) for at_us in moments)])

    def _put_profiles(self, rows: set[Profile]) -> None:
        self._known, self._profiles = rows, {}
        for profile in sorted(rows, key=lambda row: (row.effective_from_us, row.version)):
            if profile.enabled:
                self._profiles.setdefault((profile.name, profile.metric), []).append(profile)

    # ------------------------------------------------------------------ changes

    def changed_since(self, number: int) -> set[str]:
        """The devices for which something has changed since the view had that number."""
        if self._profiles_number > number:
            return set(self._devices)
        return {device for device, at in self._numbers.items() if at > number}

    def changing(self, after_us: int, until_us: int) -> set[str]:
        """The devices for which other facts begin to hold in (after_us, until_us]."""
        if not self._moments:
            return set()
        first = bisect_right(self._moments, after_us, key=lambda moment: moment[0])
        last = bisect_right(self._moments, until_us, key=lambda moment: moment[0])
        return {device for _, device in self._moments[first:last]}

    def next_change(self, after_us: int) -> int:
        """When, after that time, other facts begin to hold for any device."""
        index = bisect_right(self._moments, after_us, key=lambda moment: moment[0])
        return self._moments[index][0] if index < len(self._moments) else FOREVER_US

    # ------------------------------------------------------------------ look-ups

    def point(self, point: int, received_us: int = FOREVER_US) -> PointFacts | None:
        """What holds of a point for what is received then; the newest facts without a time."""
        rows = self._points.get(point)
        if rows is None:
            self._missing(self)
            rows = self._points.get(point)
            if rows is None:
                return None
        if len(rows) == 1:
            return rows[0]
        index = bisect_right(rows, received_us, key=lambda row: row.from_us)
        return rows[max(index - 1, 0)]

    def device(self, device: str) -> Device | None:
        found = self._devices.get(device)
        if found is None:
            self._missing(self)
            found = self._devices.get(device)
        return found

    def known_device(self, device: str) -> Device | None:
        """Without asking: for what is told rather than judged (a row's enterprise)."""
        return self._devices.get(device)

    def profile_of(self, device: str, received_us: int) -> str:
        """Name of the device's profile for what is received then; "" for an unknown one."""
        known = self._devices.get(device)
        if known is None:
            return ""
        index = bisect_right(known.facts, received_us, key=lambda row: row.from_us)
        return known.facts[max(index - 1, 0)].profile if known.facts else known.profile

    def profile(self, name: str, metric: str, at_us: int) -> tuple[Profile | None, int]:
        """The row in force at at_us and until when it is; None where no row has begun."""
        rows = self._profiles.get((name, metric), [])
        if len(rows) == 1 and _always_holds(rows[0], at_us):  # the usual case, and asked for often
            return rows[0], FOREVER_US
        index = bisect_right(rows, at_us, key=lambda row: row.effective_from_us)
        until = rows[index].effective_from_us if index < len(rows) else FOREVER_US
        row = rows[index - 1] if index else None
        if row is None or row.ends_us is None:
            return row, until
        return (row, min(until, row.ends_us)) if at_us < row.ends_us else (None, until)

    def device_profile(self, name: str, at_us: int) -> Profile:
        """The profile's device-wide row (silence, clock, refusals); our defaults where there is none."""
        row, _ = self.profile(name, DEVICE_METRIC, at_us)
        return row or Profile(name=name, version=0, metric=DEVICE_METRIC)

    def silence_window(self, facts: PointFacts, pace: Pace, heard_us: int) -> int:
        """After how long without a word a point of this pace is silent, when it was last heard then; in us."""
        if not facts.from_us <= heard_us < facts.until_us:
            facts = self.point(facts.id, heard_us) or facts
        return self._window(interval_us(pace, facts.interval_us), facts.profile, heard_us)

    def device_window(self, device: str, heard_us: int) -> int:
        """As `silence_window`, for a device without points; 0 for an unknown one."""
        known = self._devices.get(device)
        if known is None:
            return 0
        index = bisect_right(known.facts, heard_us, key=lambda row: row.from_us)
        row = known.facts[max(index - 1, 0)] if known.facts else known
        return self._window(row.interval_us, row.profile, heard_us)

    def _window(self, interval_us: int, profile: str, heard_us: int) -> int:
        rows = self._profiles.get((profile, DEVICE_METRIC))
        if (
            rows and len(rows) == 1 and _always_holds(rows[0], heard_us)
        ):  # asked for every device now and then
            return int(interval_us * rows[0].silence_intervals)
        return int(interval_us * self.device_profile(profile, heard_us).silence_intervals)


def _always(device: Device) -> Facts:
    """Of a device that has always been as it is now."""
    metrics = tuple(point.metric for point in device.points)
    return Facts(
        kind=device.kind, interval_us=device.interval_us, profile=device.profile, behind=device.behind,
        asset=device.asset, metrics=metrics,
    )  # fmt: skip


def _always_holds(row: Profile, at_us: int) -> bool:
    """Of the only row of a profile's metric."""
    return row.effective_from_us <= at_us and row.ends_us is None
