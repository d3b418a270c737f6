"""Channel `topic`: publishes each incident event to the Kafka topic `alerts`, confirmed by the broker."""

from collections.abc import Sequence

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
        sent = [self._send(event) for event in events]
        return [outcome if isinstance(outcome, str) else self._confirm(outcome) for outcome in sent]

    def _send(self, event: IncidentEvent) -> object:
        try:
            return self._tools.producer.send(
                self._topic, value=encode_event(event), key=event.incident.encode()
            )
        except KafkaError as error:
            return _sentence(error)

    def _confirm(self, future: object) -> str:
        try:
            future.get(timeout=self._tools.timeout_s)  # type: ignore[attr-defined]
        except KafkaError as error:
            return _sentence(error)
        return ""


def _sentence(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:500]


KIND = Kind("topic", TopicChannel)
