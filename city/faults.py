"""The scripted faults as data: what goes wrong on which device, when, and which finding must follow.

Seconds count from the moment at which the whole city is connected. The script is written for profile `demo`
(interval 2 s, dwell 10 s, 60 s of physics in a second): each fault is an incident within the first minute.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    DOOR_LEFT_OPEN = "door_left_open"
    COMPRESSOR_DEAD = "compressor_dead"
    PROBE_SILENT = "probe_silent"
    CAMERA_COVERED = "camera_covered"
    CAMERA_FROZEN = "camera_frozen"
    POSITIVE_TEST = "positive_test"
    BAD_PAYLOAD = "bad_payload"
    CLOCK_WRONG = "clock_wrong"


@dataclass(frozen=True)
class Script:
    """When a kind of fault begins and ends, and the rule that must find it."""

    kind: Kind
    starts_s: float
    ends_s: float
    rule: str


SCRIPT = (
    Script(Kind.COMPRESSOR_DEAD, 2.0, 64.0, "excursion"),
    Script(Kind.DOOR_LEFT_OPEN, 4.0, 34.0, "door_open"),
    Script(Kind.CAMERA_FROZEN, 8.0, 38.0, "camera_frozen"),
    Script(Kind.CAMERA_COVERED, 9.0, 33.0, "camera_covered"),
    Script(Kind.POSITIVE_TEST, 10.0, 10.0, "positive_test"),
    Script(Kind.PROBE_SILENT, 12.0, 36.0, "silence"),
    Script(Kind.BAD_PAYLOAD, 14.0, 24.0, "refused"),
    Script(Kind.CLOCK_WRONG, 18.0, 30.0, "clock"),
)
CLOCK_AHEAD = timedelta(hours=2)
"""Further ahead than anything that can be believed: such readings go to quarantine."""


@dataclass(frozen=True)
class Fault:
    """One fault of one device in [starts_s, ends_s); a positive test is a moment: both are the same."""

    kind: Kind
    device: str
    starts_s: float
    ends_s: float
    rule: str
    subject: str

    def active(self, second: float) -> bool:
        return self.starts_s <= second < self.ends_s

    def label(self, start: datetime) -> dict[str, Any]:
        """The fault as it is written to the labels file; `start`: the wall time of second 0."""
        return {
            "fault": self.kind.value,
            "device": self.device,
            "rule": self.rule,
            "subject": self.subject,
            "start_at": _at(start, self.starts_s),
            "end_at": _at(start, self.ends_s),
        }


def labels(faults: tuple[Fault, ...], start: datetime, stopped_s: float) -> list[dict[str, Any]]:
    """Labels of the faults that had begun when the run ended; an end behind it is cut to it."""
    begun = [f for f in faults if f.starts_s < stopped_s]
    return [f.label(start) | {"end_at": _at(start, min(f.ends_s, stopped_s))} for f in begun]


def _at(start: datetime, second: float) -> str:
    moment = start.astimezone(UTC) + timedelta(seconds=second)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
