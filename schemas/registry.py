"""Devices and their points as the other stages see them; rows are owned by `ingest.registry`."""

from typing import Final

import msgspec

KNOWN_AFTER_US: Final = 5_000_000
"""What is changed holds from this long after it was written. By then every reader has heard of it, so that reading a
topic again, with all changes known beforehand, judges each line by the facts that it was judged by at first."""

ENTERPRISE_KINDS: Final = (
    "producer", "distributor", "caterer", "school_canteen", "market", "cold_store", "transport",
)  # fmt: skip
ASSET_KINDS: Final = (
    "cold_room", "freezer_room", "refrigerator", "freezer", "display", "vehicle", "store_room", "kitchen",
)  # fmt: skip
COMMISSIONING: Final = "commissioning"
LIVE: Final = "live"
SITE_STATES: Final = (COMMISSIONING, LIVE)


class Point(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One metric of one device. `possible_*` bound what can be true at all; limits are in the profile."""

    id: int
    device: str
    metric: str
    unit: str
    possible_low: float
    possible_high: float


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What holds of a device for what is received from `from_us` on, until its next facts; 0: always.

    interval_us: it reports at least this often. metrics: what it measures. behind, asset: "" for none.
    """

    from_us: int = 0
    kind: str
    interval_us: int
    profile: str
    behind: str = ""
    asset: str = ""
    metrics: tuple[str, ...] = ()


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """A registered device as it is now. `behind` names the gateway that publishes for it, "" when it connects itself.

    facts: what has held of it and when, the oldest first; (): it has always been as it is now.
    points: one for each metric that it measures or has ever measured.
    """

    id: str
    kind: str
    enterprise: str
    site: str
    interval_us: int
    profile: str
    token_sha256: bytes = b""
    behind: str = ""
    asset: str = ""
    retired_us: int | None = None
    points: tuple[Point, ...] = ()
    facts: tuple[Facts, ...] = ()
