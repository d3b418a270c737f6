"""A door contact of a cold room: open or closed."""

from typing import Final

from ingest.kinds._kind import Kind, Metric

OPEN: Final = Metric(name="open", unit="1", possible_low=0.0, possible_high=1.0, switch=True)

DOOR: Final = Kind(
    name="door",
    zh="门磁",
    en="door contact",
    metrics=(OPEN,),
    channels=("telemetry",),
    profile="door",
    interval_us=60_000_000,
    sample={"values": {"open": 0}},
)
