"""Payloads refused: a device sends what cannot be taken. Ends when it has been quiet about that for a while."""

from typing import Final

import msgspec

from processors.judge.rule import DeviceRule, Looked, Refusal, Said, View
from processors.judge.rules import clock
from schemas.finding import Change, Severity
from schemas.profile import Profile


class Refusals(msgspec.Struct, gc=False):
    """A running episode of refusals; code: of the one that opened it."""

    start_us: int
    last_us: int
    code: str
    version: int = 1


def refused(refusals: Refusals | None, refusal: Refusal, profile: Profile) -> Looked:
    """One refused message, by its received time; those for their time are the clock's, positive tests have a rule of
    their own."""
    if refusal.code == clock.CODE or refusal.positive:
        return Looked(refusals)
    received_us, code = refusal.received_us, refusal.code
    look_us = received_us + profile.refused_quiet_us
    if refusals is not None:
        refusals.last_us = max(refusals.last_us, received_us)
        return Looked(refusals, look_us=look_us)
    said = Said(Change.OPENED, 1, Severity.YELLOW, received_us, detail={"code": code})
    return Looked(Refusals(received_us, received_us, code), (said,), look_us)


def tick(refusals: Refusals | None, view: View, profile: Profile) -> Looked:
    """Ends, at the last refusal, when the quiet time has passed since it."""
    if refusals is None:
        return Looked(None)
    quiet_us = refusals.last_us + profile.refused_quiet_us
    if view.stream_us <= quiet_us:
        return Looked(refusals, look_us=quiet_us)
    return Looked(None, (_end(refusals, refusals.last_us),))


def retire(refusals: Refusals, end_us: int) -> tuple[Said, ...]:
    return (_end(refusals, max(end_us, refusals.last_us)),)


def _end(refusals: Refusals, end_us: int) -> Said:
    detail = {"code": refusals.code}
    return Said(
        Change.CLOSED, refusals.version + 1, Severity.YELLOW, refusals.start_us, end_us, detail=detail
    )


RULE: Final = DeviceRule(
    name="refused",
    state=Refusals,
    refused=refused,
    tick=tick,
    retire=retire,
    zh="设备发送的数据被拒收；一段时间内不再被拒收后结束。",
    en="What the device sends is refused; it ends when nothing was refused for a while.",
)
