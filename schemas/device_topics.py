"""The topics of devices, built and parsed here alone: cw/v1/ENTERPRISE/DEVICE/CHANNEL, for frames /AT_MS/SEQ behind it.

Devices publish on the channels of UP; on those of DOWN they are spoken to.
"""

from typing import Final, NamedTuple

ROOT: Final = ("cw", "v1")
TELEMETRY: Final = "telemetry"
RESULT: Final = "result"
FRAME: Final = "frame"
ERRORS: Final = "errors"
CONFIG: Final = "config"
UP: Final = (TELEMETRY, RESULT, FRAME, "event", "status")
DOWN: Final = (ERRORS, CONFIG)

_FRAME: Final = FRAME.encode()
_ROOT: Final = [level.encode() for level in ROOT]


class DeviceTopic(NamedTuple):
    """A topic taken apart. rest: the levels behind the channel."""

    enterprise: str
    device: str
    channel: str
    rest: tuple[str, ...]


def topic_prefix(enterprise: str, device: str) -> str:
    """What all topics of a device begin with, without the last slash."""
    return "/".join((*ROOT, enterprise, device))


def topic_of(enterprise: str, device: str, channel: str, *rest: object) -> str:
    return "/".join((topic_prefix(enterprise, device), channel, *map(str, rest)))


def parse_topic(topic: str) -> DeviceTopic | None:
    """None when it is no device's topic; the channel may be one that nobody knows."""
    levels = topic.split("/")
    if len(levels) < 5 or (levels[0], levels[1]) != ROOT:
        return None
    return DeviceTopic(levels[2], levels[3], levels[4], tuple(levels[5:]))


def is_frame(topic: bytes) -> bool:
    """Whether a topic as sent is a frame's, whose message may be larger than the rest."""
    levels = topic.split(b"/", 5)
    return len(levels) > 4 and levels[:2] == _ROOT and levels[4] == _FRAME
