"""Payloads refused: a device sends what cannot be taken. Ends when it has been quiet about that for a while."""

from typing import Final

import msgspec

from processors.judge.rule import Rule, Said
from schemas.finding import Change, Severity
from schemas.profile import Profile


class Refusals(msgspec.Struct, array_like=True, gc=False):
    """A running episode of refusals; code: of the one that opened it."""

    start_us: int
    last_us: int
    code: str
    version: int = 1


def step(refusals: Refusals | None, received_us: int, code: str) -> tuple[Refusals, Said | None]:
    """One refused message, by its received time; refusals for the clock belong to rule `clock`."""
    if refusals is not None:
        refusals.last_us = max(refusals.last_us, received_us)
        return refusals, None
    opened = Refusals(received_us, received_us, code)
    return opened, Said(Change.OPENED, 1, Severity.YELLOW, received_us, detail={"code": code})


def tick(refusals: Refusals, stream_us: int, profile: Profile) -> tuple[Refusals | None, Said | None]:
    """Ends, at the last refusal, when the quiet time has passed since it."""
    if stream_us <= refusals.last_us + profile.refused_quiet_us:
        return refusals, None
    return None, Said(
        Change.CLOSED,
        refusals.version + 1,
        Severity.YELLOW,
        refusals.start_us,
        refusals.last_us,
        detail={"code": refusals.code},
    )


RULE: Final = Rule(
    name="refused",
    scope="device",
    applies=lambda metric: metric == "",
    state=Refusals,
    step=step,
    tick=tick,
    zh="设备发送的数据被拒收；一段时间内不再被拒收后结束。",
    en="What the device sends is refused; it ends when nothing was refused for a while.",
)
