"""A mains monitor: the power of a site or an asset is on or off."""

from typing import Final

from ingest.kinds._kind import Kind, Metric

MAINS: Final = Metric(name="mains", unit="1", possible_low=0.0, possible_high=1.0, switch=True)

POWER: Final = Kind(
    name="power",
    zh="供电监测",
    en="mains monitor",
    metrics=(MAINS,),
    channels=("telemetry",),
    profile="power",
    interval_us=60_000_000,
    sample={"values": {"mains": 1}},
)
