"""Silence: nothing heard of a device, or of one of its points, for its declared interval times two.

Compared are stream time and `received_at`, never `at`. A jump of stream time (a stall of ours, a gateway that was
killed) moves every deadline that was running by the jump and a minute more, so that our fault is nobody's silence.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from processors.judge.rule import Rule, Said
from schemas.finding import Change, Severity

JUMP_US: Final = 3_000_000
AFTER_JUMP_US: Final = 60_000_000
MAX_STALLS: Final = 32


class Silence(msgspec.Struct, array_like=True, gc=False):
    """A running silence; start_us: when it was last heard (received time)."""

    start_us: int
    version: int = 1


class Stall(msgspec.Struct, array_like=True, gc=False, frozen=True):
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


def tick(
    last_us: int, stream_us: int, window_us: int, stalls: Sequence[Stall]
) -> tuple[Silence | None, Said | None]:
    """Opens when stream time has passed the deadline of what was last heard at last_us."""
    if stream_us <= deadline(last_us, window_us, stalls):
        return None, None
    return Silence(last_us), Said(Change.OPENED, 1, Severity.YELLOW, last_us)


def step(silence: Silence, heard_us: int) -> tuple[None, Said]:
    """Something was heard: the silence has ended then."""
    return None, Said(Change.CLOSED, silence.version + 1, Severity.YELLOW, silence.start_us, heard_us)


RULE: Final = Rule(
    name="silence",
    scope="device",
    applies=lambda metric: True,
    state=Silence,
    step=step,
    tick=tick,
    zh="超过两个上报间隔没有收到数据；再次收到数据时结束。平台自身的停顿不计入。",
    en="Nothing was heard for two reporting intervals; it ends with the next reading. Our own stalls do not count.",
)
