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


class Raising(Recorder):
    """A channel with a fault: it raises for the devices named, or answers too little."""

    def deliver(self, events: Sequence[IncidentEvent]) -> list[str]:
        if any(event.device in self.failing for event in events):
            raise KeyError("a fault of the channel")
        return super().deliver(events)


def test_a_channel_that_raises_pays_for_one_event_and_disturbs_no_other_channel() -> None:
    journal, clock = journal_of("d1", "d2", "d3"), Clock()
    bad, good = Drain("bad", Raising("d2"), journal, clock), Drain("good", Recorder(), journal, clock)
    assert bad.turn() == 3
    assert journal.waiting() == {"good": 3, "bad": 1}
    assert "KeyError" in bad.trouble
    assert good.turn() == 3
    assert (journal.waiting()["good"], good.trouble) == (0, "")


def test_an_event_that_always_makes_it_raise_waits_longer_each_time() -> None:
    journal, clock = journal_of("d1"), Clock()
    drain = Drain("bad", Raising("d1"), journal, clock)
    for seconds in (0, 1, 2, 4):
        clock.pass_s(seconds)
        assert drain.turn() == 1
    assert drain.turn() == 0


def test_a_channel_that_answers_for_too_few_events_has_delivered_each_by_itself() -> None:
    class Sparing(Recorder):
        def deliver(self, events: Sequence[IncidentEvent]) -> list[str]:
            return super().deliver(events)[:1]

    journal = journal_of("d1", "d2")
    assert Drain("good", Sparing(), journal, Clock()).turn() == 2
    assert journal.waiting()["good"] == 0
