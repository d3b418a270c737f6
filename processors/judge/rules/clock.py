"""Device clock wrong: a message was quarantined for its time, a reading is further ahead than the profile allows, or
all of them lie behind by the same (`processors.judge.pace`)."""

from typing import Final

import msgspec

from processors.judge.rule import DeviceRule, Heard, Looked, Refusal, Said
from schemas.finding import Change, Severity
from schemas.profile import Profile

SOUND_MESSAGES: Final = 2
CODE: Final = "clock"
"""The code of a message refused for its time."""


SECOND_US: Final = 1_000_000
HOUR_US: Final = 3_600_000_000
ZONE_WITHIN_US: Final = 300_000_000
"""An offset this close to whole hours is a time zone's."""


class WrongClock(msgspec.Struct, gc=False):
    """A running episode; sound: messages in a row with a sound time, the first received at sound_us.

    off_us: by how much the clock was ahead, or behind when negative, as it opened; 0 when that is not known.
    """

    start_us: int
    version: int = 1
    sound: int = 0
    sound_us: int = 0
    off_us: int = 0


def heard(wrong: WrongClock | None, word: Heard) -> Looked:
    """A sample that was not judged before tells by its time."""
    return _step(wrong, word.received_us, not word.off_us, word.off_us) if word.fresh else Looked(wrong)


def refused(wrong: WrongClock | None, refusal: Refusal, profile: Profile) -> Looked:
    """Refused for its time. Where the gateway's own clock is wrong nobody can tell whose was at fault."""
    if refusal.code != CODE or refusal.by_record:
        return Looked(wrong)
    return _step(wrong, refusal.received_us, sound=False)


def retire(wrong: WrongClock, end_us: int) -> tuple[Said, ...]:
    return (_end(wrong, end_us),)


def blocks(wrong: WrongClock, point: int) -> bool:
    return True


def _step(wrong: WrongClock | None, received_us: int, sound: bool, off_us: int = 0) -> Looked:
    if wrong is None:
        return Looked(None) if sound else _open(received_us, off_us)
    if not sound:
        wrong.sound = 0
        return Looked(wrong)
    if not wrong.sound:
        wrong.sound_us = received_us
    wrong.sound += 1
    if wrong.sound < SOUND_MESSAGES:
        return Looked(wrong)
    return Looked(None, (_end(wrong, wrong.sound_us),))


def _end(wrong: WrongClock, end_us: int) -> Said:
    detail = _detail(wrong.off_us)
    return Said(Change.CLOSED, wrong.version + 1, Severity.YELLOW, wrong.start_us, end_us, detail=detail)


def _open(received_us: int, off_us: int) -> Looked:
    said = Said(Change.OPENED, 1, Severity.YELLOW, received_us, detail=_detail(off_us))
    return Looked(WrongClock(received_us, off_us=off_us), (said,))


def _detail(off_us: int) -> dict[str, str]:
    """By how much, and whether it looks like a wrong time zone."""
    if not off_us:
        return {}
    hours = round(off_us / HOUR_US)
    zone = {"cause": "zone"} if hours and abs(off_us - hours * HOUR_US) <= ZONE_WITHIN_US else {}
    return {"ahead_s": f"{off_us / SECOND_US:.0f}"} | zone


RULE: Final = DeviceRule(
    name="clock",
    state=WrongClock,
    heard=heard,
    refused=refused,
    retire=retire,
    blocks=blocks,
    zh="设备时钟不对：超前，或一直慢同样多；连续两次时间正确后结束。",
    en="The device's clock is wrong, ahead or always behind by the same; it ends after two messages with a sound time.",
)
