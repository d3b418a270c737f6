"""What every channel is: a name and a way to be built from the tools that the front door hands down."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from schemas.incident import IncidentEvent


class Producer(Protocol):
    """The part of kafka-python's KafkaProducer that a channel uses."""

    def send(self, topic: str, value: bytes, key: bytes) -> Any:
        """Returns a future whose `get(timeout)` raises what went wrong."""

    def flush(self, timeout: float | None = None) -> None: ...


@dataclass(frozen=True)
class Tools:
    """What channels may need. `prefix` stands before every topic's name."""

    producer: Producer
    prefix: str = ""
    timeout_s: float = 30.0


class Channel(Protocol):
    """Delivers events in the order given; says for each one what went wrong ("" = delivered, confirmed)."""

    def deliver(self, events: Sequence[IncidentEvent]) -> list[str]:
        """One answer per event. Raises nothing that an event or a server away can cause."""


@dataclass(frozen=True)
class Kind:
    """A line of the table."""

    name: str
    build: Callable[[Tools], Channel]
