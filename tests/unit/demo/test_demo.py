"""The demo's verdict and what it tells: exit code, closing object, lines for a log and a panel for a terminal."""

import io
from datetime import UTC, datetime, timedelta

import pytest
from rich.console import Console

from city.demo import Counts, closing_object, exit_code
from city.demo_screen import LiveScreen, PlainScreen, address_lines, city_line, clock, found_after
from coldwatch.operate.first_admin import Login
from coldwatch.operate.ledger import Ledger

COUNTS = Counts(findings=8, incidents=8, incidents_open=2, frames=240, results=37, judged=2228, unapplied=0)
SOUND = Ledger(accepted=100, stored=90, duplicate=1, quarantined=4, dead_lettered=5, in_flight=0, holes=0)


def test_the_closing_object_holds_ledger_counts_and_address() -> None:
    assert closing_object(SOUND, COUNTS, "http://127.0.0.1:8080/") == {
        "accepted": 100,
        "stored": 90,
        "duplicate": 1,
        "quarantined": 4,
        "dead_lettered": 5,
        "in_flight": 0,
        "findings": 8,
        "incidents": 8,
        "frames": 240,
        "results": 37,
        "console_url": "http://127.0.0.1:8080/",
        "balanced": True,
    }


@pytest.mark.parametrize(
    ("books", "code"),
    [
        (SOUND, 0),
        (Ledger(100, 90, 1, 4, 4, 0, 0), 1),  # one value nowhere
        (Ledger(100, 90, 1, 4, 4, 1, 0), 1),  # balanced, but one still in flight
        (Ledger(100, 90, 1, 4, 5, 0, 1), 1),  # a hole in a gateway's running total
    ],
)
def test_only_a_balanced_ledger_with_nothing_in_flight_ends_with_zero(books: Ledger, code: int) -> None:
    assert exit_code(closing_object(books, COUNTS, "")) == code


def test_the_password_is_shown_when_there_is_a_first_administrator_and_not_otherwise() -> None:
    assert "password" not in "\n".join(address_lines("http://x/", None))
    shown = "\n".join(address_lines("http://x/", Login("admin", "abcde-fghij")))
    assert "http://x/" in shown
    assert "abcde-fghij" in shown


FAULT = {
    "event": "fault",
    "fault": "door_left_open",
    "device": "xingfu-door-1",
    "rule": "door_open",
    "subject": "xingfu-door-1/open",
    "start_at": "2026-11-23T10:00:04.000Z",
}
OPENED = datetime(2026, 11, 23, 10, 0, 16, tzinfo=UTC)


def test_events_of_the_city_are_sentences() -> None:
    fault = FAULT
    assert "xingfu-door-1" in city_line(fault)
    assert "all ready" in city_line({"event": "connected", "devices": 55})
    assert "55" in city_line({"event": "enrolled", "devices": 55, "new": 0})
    assert "1435" in city_line({"event": "stopped", "published": 1435, "acknowledged": 1435})


def test_a_log_gets_the_counts_every_ten_seconds_and_no_control_codes() -> None:
    written = io.StringIO()
    screen = PlainScreen(Console(file=written), 60.0)
    for second in range(21):
        screen.counts(COUNTS, {}, float(second))
    lines = written.getvalue().splitlines()
    assert [line.split("  ")[0] for line in lines] == ["0:00 / 1:00", "0:10 / 1:00", "0:20 / 1:00"]
    assert "\x1b" not in written.getvalue()


def test_a_terminal_gets_a_panel_that_goes_away_when_the_city_stops() -> None:
    written = io.StringIO()
    console = Console(file=written, force_terminal=True, width=120)
    screen = LiveScreen(console, None)
    screen.city(FAULT)
    screen.counts(COUNTS, {}, 12.0)
    assert "xingfu-door-1" in written.getvalue()
    assert "incident after" not in written.getvalue()
    screen.counts(COUNTS, {("door_open", "xingfu-door-1/open"): OPENED}, 14.0)
    assert "incident after 12 s" in written.getvalue()
    assert "2,228" in written.getvalue()
    screen.city({"event": "stopped", "published": 1, "acknowledged": 1})
    before = len(written.getvalue())
    screen.step("draining")
    assert "xingfu-door-1" not in written.getvalue()[before:]


def test_an_incident_from_before_the_fault_is_not_its_own() -> None:
    before = OPENED - timedelta(minutes=1)
    assert found_after(FAULT, {("door_open", "xingfu-door-1/open"): before}) == ""
    assert found_after(FAULT, {("silence", "xingfu-door-1"): OPENED}) == ""


def test_the_clock_counts_towards_the_end_when_there_is_one() -> None:
    assert clock(83.9, 120.0) == "1:23 / 2:00"
    assert clock(5.0, None) == "0:05"
