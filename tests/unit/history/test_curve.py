"""Spans of which nothing is known, and how much is shown around an episode."""

from datetime import UTC, datetime, timedelta

from history.curve import Span, lead_of, unknown_spans
from history.devices import state_of

T0 = datetime(2026, 3, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def span(minutes: int, created_at: datetime = T0 - timedelta(days=9)) -> Span:
    return Span(1, "d", "temperature", "Cel", MINUTE, created_at, T0, T0 + minutes * MINUTE)


def at(minute: float) -> datetime:
    return T0 + minute * MINUTE


def test_a_gap_is_unknown_and_so_is_what_is_missing_at_the_ends() -> None:
    found = unknown_spans([(at(20), at(30))], (at(5), at(50)), span(60), now=at(60), bound=2 * MINUTE)
    assert found == [(at(0), at(5)), (at(20), at(30)), (at(50), at(60))]


def test_up_to_two_intervals_are_no_gap() -> None:
    assert unknown_spans([], (at(2), at(58)), span(60), now=at(60), bound=2 * MINUTE) == []


def test_without_any_reading_everything_is_unknown() -> None:
    assert unknown_spans([], (None, None), span(60), now=at(60), bound=2 * MINUTE) == [(at(0), at(60))]


def test_the_future_and_the_time_before_the_device_are_not_unknown() -> None:
    assert (
        unknown_spans([], (at(30), at(40)), span(60, created_at=at(29)), now=at(41), bound=2 * MINUTE) == []
    )
    assert unknown_spans([], (None, None), span(60, created_at=at(59)), now=at(60), bound=2 * MINUTE) == []


def test_half_an_episode_is_shown_around_it_within_bounds() -> None:
    assert lead_of(MINUTE, at(0), at(600)) == timedelta(minutes=300)
    assert lead_of(MINUTE, at(0), at(1)) == timedelta(minutes=60)
    assert lead_of(MINUTE, at(0), at(100_000)) == timedelta(hours=12)


def test_old_data_alone_is_not_silence() -> None:
    assert state_of("in_range", at(0), 60, silent=False, now=at(30)) == "in_range"
    assert state_of("in_range", at(0), 60, silent=True, now=at(30)) == "unknown"
    assert state_of("breach", at(0), 60, silent=True, now=at(1)) == "breach"


def test_a_point_without_values_has_no_state_yet() -> None:
    assert state_of(None, None, 60, silent=False, now=at(0)) == "none"
    assert state_of(None, at(0), 60, silent=False, now=at(0)) == "in_range"
