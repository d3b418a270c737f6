"""A cold room: air and product as two thermal masses, a compressor with hysteresis, defrosts, a door, a probe.

Temperatures in Celsius, times in minutes of the room's own time. All rates are per minute and per unit of the air's
heat capacity, so that a rate times a difference in Celsius is Celsius per minute.
"""

from dataclasses import dataclass

import numpy as np

STEP_MINUTES = 0.1
"""Six seconds: a twentieth of the fastest time constant of any room here, so plain Euler is stable and close."""


@dataclass(frozen=True)
class RoomType:
    """What a room is built of.

    wall, door: heat leak through the walls, and through the open door, against the ambient temperature.
    product_coupling: exchange between air and product; product_mass: the product's heat capacity in units of the air's.
    load: heat of fans, light and people (Celsius per minute). cooling: of the running compressor.
    band: the thermostat's hysteresis above and below the setpoint. rest: least minutes between two compressor starts.
    defrost_every, defrost_lasts: minutes; defrost_heat: of the electric heater (0: the compressor just pauses).
    probe_lag: first-order lag of the probe; noise: standard deviation of a sample.
    """

    setpoint: float
    ambient: float
    wall: float
    door: float
    product_coupling: float
    product_mass: float
    load: float
    cooling: float
    band: float
    rest: float
    defrost_every: float
    defrost_lasts: float
    defrost_heat: float
    probe_lag: float = 1.0
    noise: float = 0.04


WALK_IN = RoomType(
    setpoint=4.2,
    ambient=27.0,
    wall=0.0125,
    door=0.014,
    product_coupling=0.10,
    product_mass=1.2,
    load=0.08,
    cooling=0.85,
    band=1.0,
    rest=3.0,
    defrost_every=480.0,
    defrost_lasts=6.0,
    defrost_heat=0.0,
)
"""A kitchen's walk-in fridge: small, little in it, warms within a quarter of an hour when its compressor dies."""

CHILLED_STORE = RoomType(
    setpoint=3.5,
    ambient=24.0,
    wall=0.0085,
    door=0.012,
    product_coupling=0.12,
    product_mass=4.0,
    load=0.05,
    cooling=0.75,
    band=0.8,
    rest=4.0,
    defrost_every=420.0,
    defrost_lasts=15.0,
    defrost_heat=0.0,
)
"""A chilled store of a logistics park: much product, slow and steady."""

FROZEN_STORE = RoomType(
    setpoint=-23.0,
    ambient=24.0,
    wall=0.0045,
    door=0.005,
    product_coupling=0.12,
    product_mass=5.0,
    load=0.06,
    cooling=0.75,
    band=0.9,
    rest=4.0,
    defrost_every=390.0,
    defrost_lasts=18.0,
    defrost_heat=0.15,
)
"""A frozen store with electric defrost: its air rises by some degrees twice a shift, its product hardly."""


@dataclass(frozen=True)
class RoomState:
    """A room at one moment. `minute` is the room's own; `stopped_at`: the one when its compressor last stopped."""

    minute: float
    air: float
    product: float
    probe: float
    running: bool
    stopped_at: float

    def sample(self, room: RoomType, chance: np.random.Generator) -> float:
        """What the probe reports: noise on top, a tenth of a degree of resolution."""
        return round(self.probe + room.noise * float(chance.standard_normal()), 1)

    def humidity(self, chance: np.random.Generator) -> float:
        """Relative humidity in percent: the running coil dries the air."""
        level = 78.0 if self.running else 86.0
        return round(min(99.0, level + 1.5 * float(chance.standard_normal())), 0)


def begin(room: RoomType, chance: np.random.Generator) -> RoomState:
    """A room somewhere in its cycle, as it would be found on any morning."""
    air = room.setpoint + room.band * float(chance.uniform(-0.7, 0.7))
    minute = float(chance.uniform(0.0, room.defrost_every))
    return RoomState(minute, air, room.setpoint, air, bool(chance.random() < 0.5), minute - room.rest)


def defrosting(room: RoomType, minute: float) -> bool:
    return minute % room.defrost_every >= room.defrost_every - room.defrost_lasts


def advance(
    room: RoomType, state: RoomState, minutes: float, door_open: bool = False, compressor_works: bool = True
) -> RoomState:
    """The room `minutes` later. A pure function of its arguments; steps of `STEP_MINUTES` inside."""
    steps = max(1, round(minutes / STEP_MINUTES))
    for _ in range(steps):
        state = _step(room, state, minutes / steps, door_open, compressor_works)
    return state


def _step(
    room: RoomType, state: RoomState, minutes: float, door_open: bool, compressor_works: bool
) -> RoomState:
    defrost = defrosting(room, state.minute)
    running = compressor_works and not defrost and _thermostat(room, state)
    leak = (room.wall + (room.door if door_open else 0.0)) * (room.ambient - state.air)
    exchange = room.product_coupling * (state.product - state.air)
    heater = room.defrost_heat if defrost and compressor_works else 0.0
    air_rate = leak + exchange + room.load + heater - (room.cooling if running else 0.0)
    return RoomState(
        minute=state.minute + minutes,
        air=state.air + minutes * air_rate,
        product=state.product - minutes * exchange / room.product_mass,
        probe=state.probe + minutes * (state.air - state.probe) / room.probe_lag,
        running=running,
        stopped_at=state.minute if state.running and not running else state.stopped_at,
    )


def _thermostat(room: RoomType, state: RoomState) -> bool:
    """Runs from the upper edge of the band down to the lower one; never starts again within the rest time."""
    if state.running:
        return state.air > room.setpoint - room.band
    rested = state.minute - state.stopped_at >= room.rest
    return rested and state.air > room.setpoint + room.band
