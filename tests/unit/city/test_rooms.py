"""The physics of a cold room: what a healthy one holds, and how soon a broken one is out of its limits."""

import itertools

import numpy as np
import pytest

from city import rooms
from city.rooms import RoomState, RoomType

TYPES = {"walk-in": rooms.WALK_IN, "chilled": rooms.CHILLED_STORE, "frozen": rooms.FROZEN_STORE}
LIMIT = {"walk-in": 8.0, "chilled": 8.0, "frozen": -18.0}
DAY = 24 * 60


def begun(room: RoomType, seed: int = 1) -> RoomState:
    return rooms.begin(room, np.random.default_rng(seed))


def minutes_of(room: RoomType, state: RoomState, minutes: int, **inputs: bool) -> list[RoomState]:
    states = []
    for _ in range(minutes):
        state = rooms.advance(room, state, 1.0, **inputs)
        states.append(state)
    return states


@pytest.mark.parametrize("name", TYPES)
def test_a_room_is_a_function_of_its_beginning(name: str) -> None:
    room = TYPES[name]
    assert minutes_of(room, begun(room), 200) == minutes_of(room, begun(room), 200)


@pytest.mark.parametrize("name", TYPES)
def test_the_compressor_cycles_and_holds_the_setpoint(name: str) -> None:
    room = TYPES[name]
    states = [s for s in minutes_of(room, begun(room), DAY) if not rooms.defrosting(room, s.minute - 30)]
    mean = sum(s.probe for s in states) / len(states)
    starts = sum(after.running and not before.running for before, after in itertools.pairwise(states))
    assert abs(mean - room.setpoint) < room.band
    assert starts > 24


@pytest.mark.parametrize("name", TYPES)
@pytest.mark.parametrize("seed", range(5))
def test_a_healthy_room_stays_inside_its_limit_through_cycles_and_defrosts(name: str, seed: int) -> None:
    room = TYPES[name]
    states = minutes_of(room, begun(room, seed), DAY)
    assert any(rooms.defrosting(room, s.minute) for s in states)
    assert max(s.probe for s in states) < LIMIT[name] - 1.0
    assert min(s.probe for s in states) > (1.0 if LIMIT[name] > 0 else -30.0)


def test_a_defrost_is_seen_in_the_curve() -> None:
    room = rooms.FROZEN_STORE
    states = minutes_of(room, begun(room), DAY)
    at_its_end = [s.probe for s in states if room.defrost_every - s.minute % room.defrost_every < 2.0]
    assert at_its_end
    assert min(at_its_end) > room.setpoint + 2 * room.band


@pytest.mark.parametrize("seed", range(8))
def test_a_walk_in_with_a_dead_compressor_is_beyond_its_limit_within_half_an_hour(seed: int) -> None:
    room = rooms.WALK_IN
    state = minutes_of(room, begun(room, seed), 20 + 7 * seed)[-1]
    warming = minutes_of(room, state, 60, compressor_works=False)
    crossed = next(minute for minute, s in enumerate(warming) if s.probe > LIMIT["walk-in"])
    assert crossed < 30
    assert all(s.probe > LIMIT["walk-in"] for s in warming[crossed:])


@pytest.mark.parametrize("name", TYPES)
def test_an_open_door_lets_heat_in_and_a_working_compressor_still_holds_the_limit(name: str) -> None:
    room = TYPES[name]
    state = begun(room)
    closed = minutes_of(room, state, 60)
    opened = minutes_of(room, state, 60, door_open=True)
    assert sum(s.running for s in opened) > sum(s.running for s in closed)
    assert max(s.probe for s in opened) < LIMIT[name]


def test_samples_are_noisy_and_in_tenths() -> None:
    room = rooms.CHILLED_STORE
    state, chance = begun(room), np.random.default_rng(2)
    samples = {state.sample(room, chance) for _ in range(50)}
    assert len(samples) > 1
    assert all(round(s, 1) == s for s in samples)


@pytest.mark.parametrize("name", TYPES)
def test_a_finer_step_gives_the_same_curve(name: str) -> None:
    """Euler's step is small enough: a fifth of it moves a warming room's probe by less than its noise."""
    room = TYPES[name]
    coarse = fine = begun(room)
    for _ in range(30):
        coarse = rooms.advance(room, coarse, 1.0, compressor_works=False)
        for _ in range(50):
            fine = rooms.advance(room, fine, 0.02, compressor_works=False)
    assert abs(coarse.probe - fine.probe) < room.noise
