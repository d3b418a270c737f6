"""Jumps of stream time: a stall of ours, or a gateway that was killed. They are nobody's silence."""

from collections.abc import Sequence
from typing import Final

import msgspec

JUMP_US: Final = 3_000_000
AFTER_JUMP_US: Final = 60_000_000
MAX_STALLS: Final = 32


class Stall(msgspec.Struct, gc=False, frozen=True):
    """A jump of stream time, seen at `seen_us`: what was received before it gets `moved_us` more."""

    seen_us: int
    moved_us: int


def note_jump(stalls: Sequence[Stall], before_us: int, now_us: int) -> tuple[Stall, ...]:
    """The stalls after stream time went from before_us to now_us; the oldest two are joined when there are many."""
    jump = now_us - before_us
    if not before_us or jump <= JUMP_US:
        return tuple(stalls)
    noted = (*stalls, Stall(now_us, jump + AFTER_JUMP_US))
    if len(noted) > MAX_STALLS:
        first, second, *rest = noted
        noted = (Stall(second.seen_us, first.moved_us + second.moved_us), *rest)
    return noted


def deadline(received_us: int, window_us: int, stalls: Sequence[Stall]) -> int:
    """When a silence since received_us would begin to count, in stream time."""
    return received_us + window_us + sum(stall.moved_us for stall in stalls if received_us < stall.seen_us)
