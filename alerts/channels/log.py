"""Channel `log`: one structured line per incident event, for whoever collects the logs."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import structlog

from alerts.channels._channel import Kind, Tools
from schemas.incident import IncidentEvent

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class LogChannel:
    """Writes to the service's own log; there is nothing that could be away."""

    def __init__(self, tools: Tools) -> None:
        self._log: Any = structlog.get_logger()

    def deliver(self, events: Sequence[IncidentEvent]) -> list[str]:
        for event in events:
            self._log.info("incident", **fields(event))
        return [""] * len(events)


def fields(event: IncidentEvent) -> dict[str, Any]:
    """The line's fields; free text of people stays out of logs."""
    return {
        "id": event.id,
        "incident": event.incident,
        "transition": event.transition.value,
        "state": event.state.value,
        "severity": event.severity,
        "rule": event.rule,
        "device": event.device,
        "actor": event.actor,
        "at": (EPOCH + timedelta(microseconds=event.at_us)).isoformat(timespec="milliseconds"),
    }


KIND = Kind("log", LogChannel)
