"""Device clock wrong: a message was quarantined for its time, or a reading is further ahead than the profile allows."""

from typing import Final

import msgspec

from processors.judge.rule import Rule, Said
from schemas.finding import Change, Severity

SOUND_READINGS: Final = 2


class WrongClock(msgspec.Struct, array_like=True, gc=False):
    """A running episode; sound: readings in a row with a sound time, the first received at sound_us."""

    start_us: int
    version: int = 1
    sound: int = 0
    sound_us: int = 0


def step(wrong: WrongClock | None, received_us: int, sound: bool) -> tuple[WrongClock | None, Said | None]:
    """One new reading (or one refusal for its time, never sound), by its received time."""
    if wrong is None:
        return (None, None) if sound else _open(received_us)
    if not sound:
        wrong.sound = 0
        return wrong, None
    if not wrong.sound:
        wrong.sound_us = received_us
    wrong.sound += 1
    if wrong.sound < SOUND_READINGS:
        return wrong, None
    return None, end(wrong, wrong.sound_us)


def end(wrong: WrongClock, end_us: int) -> Said:
    return Said(Change.CLOSED, wrong.version + 1, Severity.YELLOW, wrong.start_us, end_us)


def _open(received_us: int) -> tuple[WrongClock, Said]:
    return WrongClock(received_us), Said(Change.OPENED, 1, Severity.YELLOW, received_us)


RULE: Final = Rule(
    name="clock",
    scope="device",
    applies=lambda metric: metric == "",
    state=WrongClock,
    step=step,
    zh="设备时钟不对；连续两次时间正确后结束。",
    en="The device's clock is wrong; it ends after two readings with a sound time.",
)
