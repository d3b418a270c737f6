"""One file per channel; CHANNELS is their table. A channel tells somebody of an incident event, at least once.

Adding one: its file, its line here, its folder in tests/cases/channels, its name in docs/architecture.md.
"""

from typing import Final

from alerts.channels import log, topic
from alerts.channels._channel import Channel, Kind, Producer, Tools

__all__ = ["CHANNELS", "Channel", "Kind", "Producer", "Tools"]

CHANNELS: Final[dict[str, Kind]] = {kind.name: kind for kind in (topic.KIND, log.KIND)}
