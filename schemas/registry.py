"""Devices and their points as the other stages see them; rows are owned by `ingest.registry`."""

import msgspec


class Point(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One metric of one device. `possible_*` bound what can be true at all; limits are in the profile."""

    id: int
    device: str
    metric: str
    unit: str
    possible_low: float
    possible_high: float


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """A registered device. `behind` names the gateway that publishes for it, "" when it connects itself."""

    id: str
    kind: str
    enterprise: str
    site: str
    interval_us: int
    profile: str
    token_sha256: bytes = b""
    behind: str = ""
    retired_us: int | None = None
    points: tuple[Point, ...] = ()
