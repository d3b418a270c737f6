"""Rapid test not passed: positive is red, suspicious orange. A person closes it; a worse resend amends it."""

from typing import Final

from processors.judge.rule import ResultRule, Said
from schemas.finding import Change, Severity, subject_of
from schemas.result import Result, Verdict

SEVERITIES: Final = {Verdict.POSITIVE: Severity.RED, Verdict.SUSPICIOUS: Severity.ORANGE}


def step(result: Result, version: int, severity: int | None) -> Said | None:
    """A stored result. version, severity: of the newest finding of its identity so far (0 and None: none)."""
    worse = SEVERITIES.get(result.verdict)
    if worse is None or (severity is not None and worse >= severity):
        return None
    detail = {
        "number": result.number,
        "item": result.item,
        "sample": result.sample,
        "verdict": str(result.verdict),
    }
    if result.value_text:
        detail["value"] = result.value_text
    change = Change.AMENDED if version else Change.OPENED
    return Said(change, version + 1, worse, result.at_us, peak=result.value, detail=detail)


def subject(result: Result) -> str:
    """A changed resend of a result falls on the same finding."""
    return subject_of(result.device, result.number)


RULE: Final = ResultRule(
    name="positive_test",
    step=step,
    subject=subject,
    persistent=True,
    zh="快检结果为阳性（红）或可疑（橙）；由人员处置后关闭。",
    en="A rapid test was positive (red) or suspicious (orange); a person closes it after acting on it.",
)
