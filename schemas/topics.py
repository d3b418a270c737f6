"""The one table of Kafka topics: name, key, value, partitions, retention. Also: which device falls where."""

import zlib
from typing import Final

import msgspec

DAY_MS: Final = 24 * 3600 * 1000
MAX_RECORD_BYTES: Final = 1024 * 1024
TIMESTAMPS: Final = "message.timestamp.type"


class Topic(msgspec.Struct, frozen=True):
    """A topic. `name` is without the installation's prefix; `partitions` never changes once data is in it."""

    name: str
    key: str
    value: str
    partitions: int
    retention_days: int
    max_record_bytes: int = MAX_RECORD_BYTES

    def config(self) -> dict[str, str]:
        """Kafka topic configuration. Not compacted and not transactional: both would leave gaps in the offsets.

        A record's time is Kafka's own as it was appended: that checks the gateways' clocks.
        """
        return {
            "cleanup.policy": "delete",
            "retention.ms": str(self.retention_days * DAY_MS),
            "max.message.bytes": str(self.max_record_bytes),
            TIMESTAMPS: "LogAppendTime",
        }


READINGS: Final = Topic("readings", "none", "a pack: JSON lines of schemas.reading.Line", 8, 14)
RESULTS: Final = Topic("results", "device", "schemas.result.Result as JSON", 4, 14)
FRAMES: Final = Topic("frames", "camera", "schemas.frame.FrameReference as JSON", 4, 14)
REJECTIONS: Final = Topic("rejections", "device", "raw bytes; schemas.rejection.Rejection in a header", 4, 30)
FINDINGS: Final = Topic("findings", "subject", "schemas.finding.Finding as JSON", 4, 30)
NOTICES: Final = Topic("notices", "device", "schemas.rejection.Rejection as JSON", 1, 1)
"""What was refused behind Kafka: every gateway tells the device, if it listens there."""
ALERTS: Final = Topic("alerts", "incident", "schemas.incident.IncidentEvent as JSON", 1, 30)

TOPICS: Final = (READINGS, RESULTS, FRAMES, REJECTIONS, FINDINGS, NOTICES, ALERTS)


def partition_of(device: str, partitions: int) -> int:
    """The partition of a device: stable for ever, since order per device rests on it."""
    return zlib.crc32(device.encode()) % partitions
