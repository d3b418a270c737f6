"""Rapid test not passed: positive is red, suspicious orange. A person closes it; a worse resend amends it."""

from typing import Final

from processors.judge.rule import Rule, Said
from schemas.finding import Change, Finding, Severity, finding_id, subject_of
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
    change = Change.AMENDED if version else Change.OPENED
    return Said(change, version + 1, worse, result.at_us, peak=result.value, detail=detail)


def subject(result: Result) -> str:
    return subject_of(result.device, result.number)


def identity(result: Result) -> str:
    """The finding's id: a changed resend of a result falls on the same one."""
    return finding_id(subject(result), RULE.name, result.at_us)


def finding_of(result: Result, said: Said) -> Finding:
    return Finding(
        id=identity(result),
        version=said.version,
        change=said.change,
        subject=subject(result),
        device=result.device,
        rule=RULE.name,
        severity=said.severity,
        start_us=said.start_us,
        measured_us=result.at_us,
        received_us=result.received_us,
        peak=said.peak,
        unit=result.unit,
        persistent=True,
        detail=said.detail,
    )


RULE: Final = Rule(
    name="positive_test",
    scope="result",
    applies=lambda metric: metric == "",
    state=None,
    step=step,
    persistent=True,
    zh="快检结果为阳性（红）或可疑（橙）；由人员处置后关闭。",
    en="A rapid test was positive (red) or suspicious (orange); a person closes it after acting on it.",
)
