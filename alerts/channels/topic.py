"""Channel `topic`: publishes each incident event to the Kafka topic `alerts`, confirmed by the broker."""

import time
from collections.abc import Sequence
from typing import Any

from kafka.errors import KafkaError

from alerts.channels._channel import Kind, Tools
from schemas.incident import IncidentEvent, encode_event
from schemas.topics import ALERTS


class TopicChannel:
    """Key: the incident's id, so that one incident's events stay in order."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._topic = tools.prefix + ALERTS.name

    def deliver(self, events: Sequence[IncidentEvent]) -> list[str]:
        deadline = (
            time.monotonic() + self._tools.timeout_s
        )  # of all together: a broker away is waited for once
        sent = [self._send(event) for event in events]
        return [outcome if isinstance(outcome, str) else _confirm(outcome, deadline) for outcome in sent]

    def _send(self, event: IncidentEvent) -> Any:
        try:
            return self._tools.producer.send(
                self._topic, value=encode_event(event), key=event.incident.encode()
            )
        except KafkaError as error:
            return _sentence(error)


def _confirm(future: Any, deadline: float) -> str:
    try:
        future.get(timeout=max(0.0, deadline - time.monotonic()))
    except KafkaError as error:
        return _sentence(error)
    return ""


def _sentence(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:500]


KIND = Kind("topic", TopicChannel)
