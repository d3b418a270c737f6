"""A refused message that told of a positive test: red, each by itself, until a person has closed it."""

from typing import Final

import msgspec

from processors.judge.rule import DeviceRule, Looked, Refusal, Said
from schemas.finding import Change, Severity
from schemas.profile import Profile

KEPT: Final = 64
"""Received times that are remembered, so that a line that is read twice is told once."""


class Told(msgspec.Struct):
    """Received times of the newest ones, in order."""

    received_us: list[int] = []


def refused(told: Told | None, refusal: Refusal, profile: Profile) -> Looked:
    """One refused message, of whichever code."""
    known = told.received_us if told else []
    if not refusal.positive or refusal.received_us in known:
        return Looked(told)
    said = Said(Change.OPENED, 1, Severity.RED, refusal.received_us, detail={"code": refusal.code})
    return Looked(Told(sorted([*known, refusal.received_us])[-KEPT:]), (said,))


def retire(told: Told, end_us: int) -> tuple[Said, ...]:
    """A positive does not go with its instrument: a person closes it."""
    return ()


RULE: Final = DeviceRule(
    name="refused_positive",
    state=Told,
    refused=refused,
    retire=retire,
    persistent=True,
    every_refusal=True,
    zh="被拒收的消息里有阳性结论；每条单独报红，由人员核对处置后关闭。",
    en="A refused message told of a positive test: each is red by itself, and a person closes it after acting on it.",
)
