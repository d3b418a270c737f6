"""A cold-chain probe: temperature and, where fitted, humidity."""

from typing import Final

from ingest.kinds._kind import Kind, Metric

TEMPERATURE: Final = Metric(
    name="temperature",
    unit="Cel",
    possible_low=-80.0,
    possible_high=85.0,
    # -127, the same sensor's "disconnected", lies outside the range anyhow.
    codes={85.0: "DS18B20 上电值 power-on value"},
)
HUMIDITY: Final = Metric(name="humidity", unit="%RH", possible_low=0.0, possible_high=100.0)

PROBE: Final = Kind(
    name="probe",
    zh="冷链探头",
    en="cold-chain probe",
    metrics=(TEMPERATURE, HUMIDITY),
    channels=("telemetry",),
    profile="chilled",
    interval_us=60_000_000,
    sample={"values": {"temperature": 4.1}},
)
