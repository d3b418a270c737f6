"""A gateway: signs in and publishes for the devices registered behind it. It measures nothing itself."""

from typing import Final

from ingest.kinds._kind import Kind

GATEWAY: Final = Kind(
    name="gateway",
    zh="网关",
    en="gateway",
    profile="gateway",
    interval_us=60_000_000,
)
