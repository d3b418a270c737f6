"""The numbers that the workers show on /metrics."""

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

READINGS: Final = Counter(
    "coldwatch_readings_judged", "Readings committed, by what became of them", ["outcome"]
)
REJECTIONS: Final = Counter("coldwatch_rejections_recorded", "Rejections committed", ["code"])
FINDINGS: Final = Counter("coldwatch_findings", "Versions of findings committed")
FINDINGS_COLLIDED: Final = Counter(
    "coldwatch_findings_collided", "Versions of findings that were there already: two episodes on one id"
)
SENT: Final = Counter("coldwatch_findings_sent", "Versions of findings confirmed on their topic")
BATCH_READINGS: Final = Histogram(
    "coldwatch_batch_readings",
    "Readings in a batch",
    buckets=(1, 10, 100, 300, 1_000, 3_000, 10_000, 30_000, 100_000),
)
BATCH_SECONDS: Final = Histogram(
    "coldwatch_batch_seconds", "From a batch's first line to its commit",
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5, 60),
)  # fmt: skip
ROW_AGE: Final = Histogram(
    "coldwatch_row_age_seconds", "From a reading's `at` to the return of its COMMIT; first and last of each pack",
    buckets=(*(i / 1000 for i in range(2, 40, 2)), *(i / 1000 for i in range(40, 100, 5)),
             *(i / 1000 for i in range(100, 300, 20)), 0.3, 0.5, 1, 2, 5, 10, 60, 600),
)  # fmt: skip
CHECKPOINT_SECONDS: Final = Histogram(
    "coldwatch_checkpoint_seconds", "To make one partition's checkpoint",
    buckets=(0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3),
)  # fmt: skip
CHECKPOINT_BYTES: Final = Gauge("coldwatch_checkpoint_bytes", "Its size, compressed", ["topic", "partition"])
LAG: Final = Gauge("coldwatch_lag_records", "Records behind the end of the partition", ["topic", "partition"])
RETRIES: Final = Counter("coldwatch_retries", "Writes tried again since the database was away")
