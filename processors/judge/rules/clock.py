"""Device clock wrong: a message was quarantined for its time, or a reading is further ahead than the profile allows."""

from typing import Final

import msgspec

from processors.judge.rule import DeviceRule, Heard, Looked, Refusal, Said
from schemas.finding import Change, Severity
from schemas.profile import Profile

SOUND_READINGS: Final = 2
CODE: Final = "clock"
"""The code of a message refused for its time."""


class WrongClock(msgspec.Struct, gc=False):
    """A running episode; sound: readings in a row with a sound time, the first received at sound_us."""

    start_us: int
    version: int = 1
    sound: int = 0
    sound_us: int = 0


def heard(wrong: WrongClock | None, word: Heard) -> Looked:
    """A sample that was not judged before tells by its time."""
    return _step(wrong, word.received_us, word.sound) if word.fresh else Looked(wrong)


def refused(wrong: WrongClock | None, refusal: Refusal, profile: Profile) -> Looked:
    """Refused for its time. Where the gateway's own clock is wrong nobody can tell whose was at fault."""
    if refusal.code != CODE or refusal.by_record:
        return Looked(wrong)
    return _step(wrong, refusal.received_us, sound=False)


def retire(wrong: WrongClock, end_us: int) -> tuple[Said, ...]:
    return (_end(wrong, end_us),)


def blocks(wrong: WrongClock, point: int) -> bool:
    return True


def _step(wrong: WrongClock | None, received_us: int, sound: bool) -> Looked:
    if wrong is None:
        return Looked(None) if sound else _open(received_us)
    if not sound:
        wrong.sound = 0
        return Looked(wrong)
    if not wrong.sound:
        wrong.sound_us = received_us
    wrong.sound += 1
    if wrong.sound < SOUND_READINGS:
        return Looked(wrong)
    return Looked(None, (_end(wrong, wrong.sound_us),))


def _end(wrong: WrongClock, end_us: int) -> Said:
    return Said(Change.CLOSED, wrong.version + 1, Severity.YELLOW, wrong.start_us, end_us)


def _open(received_us: int) -> Looked:
    return Looked(WrongClock(received_us), (Said(Change.OPENED, 1, Severity.YELLOW, received_us),))


RULE: Final = DeviceRule(
    name="clock",
    state=WrongClock,
    heard=heard,
    refused=refused,
    retire=retire,
    blocks=blocks,
    zh="设备时钟不对；连续两次时间正确后结束。",
    en="The device's clock is wrong; it ends after two readings with a sound time.",
)
