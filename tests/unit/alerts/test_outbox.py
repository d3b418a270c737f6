"""The drain: at least once, backs off, and one channel's trouble is no other's."""

from collections.abc import Sequence

from alerts.journal import Batch
from alerts.journal_memory import MemoryJournal
from alerts.outbox import LONGEST_DELAY_S, Drain, delay_after
from schemas.incident import IncidentEvent
from tests.findings import finding


class Clock:
    def __init__(self) -> None:
        self.us = 1_764_000_000_000_000

    def __call__(self) -> int:
        return self.us

    def pass_s(self, seconds: float) -> None:
        self.us += round(seconds * 1_000_000)


class Recorder:
    """A channel that fails for the devices named."""

    def __init__(self, *failing: str) -> None:
        self.failing = set(failing)
        self.tried: list[str] = []

    def deliver(self, events: Sequence[IncidentEvent]) -> list[str]:
        self.tried += [event.device for event in events]
        return ["refused" if event.device in self.failing else "" for event in events]


def journal_of(*devices: str) -> MemoryJournal:
    journal = MemoryJournal(("good", "bad"))
    journal.apply(Batch([finding(device=device) for device in devices], {}, ""), 0)
    return journal


def test_everything_is_delivered_once_in_order() -> None:
    journal, channel = journal_of("d1", "d2"), Recorder()
    drain = Drain("good", channel, journal, Clock())
    assert (drain.turn(), drain.turn()) == (2, 0)
    assert channel.tried == ["d1", "d2"]
    assert journal.waiting() == {"good": 0, "bad": 2}


def test_what_fails_is_tried_again_after_its_delay_and_holds_nothing_up() -> None:
    journal, clock = journal_of("d1", "d2"), Clock()
    channel = Recorder("d1")
    drain = Drain("bad", channel, journal, clock)
    drain.turn()
    assert journal.waiting()["bad"] == 1
    assert drain.trouble == "refused"
    assert drain.turn() == 0
    clock.pass_s(1)
    channel.failing.clear()
    drain.turn()
    assert channel.tried == ["d1", "d2", "d1"]
    assert (journal.waiting()["bad"], drain.trouble) == (0, "")


def test_delays_double_up_to_a_bound() -> None:
    assert [delay_after(n) for n in (1, 2, 3, 4)] == [1, 2, 4, 8]
    assert delay_after(1000) == LONGEST_DELAY_S
