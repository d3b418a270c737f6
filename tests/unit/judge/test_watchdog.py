"""Stuck is: records wait, none is handled for a minute, and it is not the database that is waited for."""

import pytest

from processors.worker.watchdog import Watchdog
from processors.worker.work import Place

PLACE, OTHER = Place("readings", 0), Place("readings", 1)


class World:
    """A clock, Kafka's ends, and whether the worker waits for its database."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.ends = {PLACE: 10, OTHER: 10}
        self.waiting = False
        self.dog = Watchdog(lambda places: self.ends, lambda: self.waiting, lambda: self.now_s)

    def after(self, seconds: float, positions: dict[Place, int]) -> str:
        self.now_s += seconds
        return self.dog.look(positions)


def test_no_progress_for_a_minute_while_records_wait_is_stuck() -> None:
    world = World()
    assert world.after(0, {PLACE: 5}) == ""
    assert world.after(60, {PLACE: 5}) == ""
    assert "readings/0: 5 records wait" in world.after(1, {PLACE: 5})


def test_progress_elsewhere_does_not_excuse_a_stuck_partition() -> None:
    world = World()
    world.after(0, {PLACE: 5, OTHER: 1})
    assert "readings/0" in world.after(61, {PLACE: 5, OTHER: 9})


@pytest.mark.parametrize("positions", [{PLACE: 6}, {PLACE: 10}, {}])
def test_progress_no_lag_and_no_partitions_are_fine(positions: dict[Place, int]) -> None:
    world = World()
    world.after(0, {PLACE: 5})
    assert world.after(600, positions) == ""


def test_waiting_for_the_database_is_not_stuck() -> None:
    world = World()
    world.waiting = True
    for _ in range(20):
        assert world.after(60, {PLACE: 5}) == ""
    world.waiting = False
    assert world.after(59, {PLACE: 5}) == ""
    assert world.after(2, {PLACE: 5}) != ""


def test_kafka_away_is_no_fault_of_the_worker() -> None:
    world = World()
    world.after(0, {PLACE: 5})

    def away(places: object) -> dict[Place, int]:
        raise OSError("no broker")

    world.dog._ends = away
    assert world.after(600, {PLACE: 5}) == ""
