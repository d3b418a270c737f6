"""A channel registered from here alone hears of every event, beside the product's own."""

import threading
from collections.abc import Sequence
from typing import Any

from alerts.channels import CHANNELS, Kind, Tools
from alerts.journal import Batch
from alerts.journal_memory import MemoryJournal
from alerts.outbox import Drain
from coldwatch.serve.alerts import Service
from schemas.finding import Change
from schemas.incident import IncidentEvent
from schemas.settings import Settings
from tests.findings import finding


class Bell:
    """Notes for what it was rung."""

    def __init__(self, tools: Tools) -> None:
        self.prefix = tools.prefix
        self.rung: list[str] = []

    def deliver(self, events: Sequence[IncidentEvent]) -> list[str]:
        self.rung += [f"{self.prefix}{event.transition}" for event in events]
        return [""] * len(events)


TOY_CHANNEL = Kind("toy_bell", Bell)
CHANNELS_AND_TOY = {**CHANNELS, TOY_CHANNEL.name: TOY_CHANNEL}


class NoProducer:
    def send(self, topic: str, value: bytes, key: bytes) -> Any:
        raise AssertionError("the bell writes to no topic")

    def flush(self, timeout: float | None = None) -> None: ...


def test_the_bell_hears_each_event_once_and_takes_none_from_the_others() -> None:
    journal = MemoryJournal(CHANNELS_AND_TOY)
    journal.apply(Batch([finding(), finding(2, Change.CLOSED)], {}, ""), 0)
    bell = TOY_CHANNEL.build(Tools(NoProducer(), "t-"))
    drain = Drain(TOY_CHANNEL.name, bell, journal, lambda: 0)
    drain.turn()
    assert isinstance(bell, Bell)
    assert bell.rung == ["t-opened", "t-closed"]
    assert journal.waiting() == {**dict.fromkeys(CHANNELS, 2), TOY_CHANNEL.name: 0}


def test_the_service_takes_the_table_as_a_value() -> None:
    service = Service(Settings.model_construct(), threading.Event(), CHANNELS_AND_TOY)
    assert service.ready() == "Kafka has not answered yet"
    assert TOY_CHANNEL.name not in CHANNELS
