"""When a healthy cold-room door is open: now and then, never for long. A pure function of the seed and the second."""

from functools import lru_cache

import numpy as np

SLOT_S = 24.0
SHORTEST_S, LONGEST_S = 1.5, 5.0
"""An opening lasts minutes of the room's time: well under the ten seconds after which an open door is a finding."""


@lru_cache(maxsize=4096)
def opening(seed: int, slot: int) -> tuple[float, float]:
    """The one opening of a slot: [from, to) in seconds of the run; it never reaches into the next slot."""
    chance = np.random.default_rng((seed, slot))
    lasts = float(chance.uniform(SHORTEST_S, LONGEST_S))
    begins = slot * SLOT_S + float(chance.uniform(0.0, SLOT_S - 2 * LONGEST_S))
    return begins, begins + lasts


def is_open(seed: int, second: float) -> bool:
    """Whether somebody stands in the door at this second. `seed`: the door's own, not negative."""
    begins, ends = opening(seed, int(second // SLOT_S))
    return begins <= second < ends
