"""Interval wrong: a point is usually heard less often than its device is registered to report.

It is judged with the gap as observed (`processors.judge.pace`), so that neither a silence is told between two reports
nor an excursion missed; this says that the registration, or the device, should be put right.
"""

from typing import Final

import msgspec

from processors.judge.pace import is_above
from processors.judge.rule import DeviceRule, Heard, Looked, Said, View
from schemas.finding import Change, Severity
from schemas.profile import Profile

SECOND_US: Final = 1_000_000


class WrongInterval(msgspec.Struct):
    """A running episode. points: those that are heard too seldom. The figures are those of its opening."""

    start_us: int
    declared_us: int
    usual_us: int
    points: list[int]
    version: int = 1


def heard(wrong: WrongInterval | None, word: Heard) -> Looked:
    """A reading: the usual gap of its point may be another now."""
    if not word.usual_us:
        return Looked(wrong)
    above = is_above(word.usual_us, word.declared_us)
    if wrong is None:
        return _open(word) if above else Looked(None)
    others = [point for point in wrong.points if point != word.point]
    wrong.points = sorted([*others, word.point]) if above else others
    return Looked(wrong) if wrong.points else Looked(None, (_end(wrong, word.received_us),))


def tick(wrong: WrongInterval | None, view: View, profile: Profile) -> Looked:
    """What the device measures no more is not heard too seldom."""
    if wrong is None:
        return Looked(None)
    gone = {point.id: point.gone_us for point in view.points if point.gone_us is not None}
    wrong.points = [point for point in wrong.points if point not in gone]
    if wrong.points:
        return Looked(wrong)
    return Looked(None, (_end(wrong, max(gone.values(), default=view.stream_us)),))


def retire(wrong: WrongInterval, end_us: int) -> tuple[Said, ...]:
    return (_end(wrong, end_us),)


def _open(word: Heard) -> Looked:
    wrong = WrongInterval(word.received_us, word.declared_us, word.usual_us, [word.point])
    return Looked(wrong, (Said(Change.OPENED, 1, Severity.YELLOW, wrong.start_us, detail=_detail(wrong)),))


def _end(wrong: WrongInterval, end_us: int) -> Said:
    return Said(
        Change.CLOSED, wrong.version + 1, Severity.YELLOW, wrong.start_us, end_us, detail=_detail(wrong)
    )


def _detail(wrong: WrongInterval) -> dict[str, str]:
    return {
        "declared_s": f"{wrong.declared_us / SECOND_US:.0f}",
        "usual_s": f"{wrong.usual_us / SECOND_US:.0f}",
    }


RULE: Final = DeviceRule(
    name="wrong_interval",
    state=WrongInterval,
    heard=heard,
    tick=tick,
    retire=retire,
    zh="设备的实际上报间隔明显长于登记的间隔；判定改按实际间隔进行。恢复到登记的间隔或改正登记后结束。",
    en="A device reports clearly less often than registered, and is judged by what is observed; it ends when it reports"
    " as registered, or the registration is put right.",
)
