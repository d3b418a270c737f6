"""The loop over the rules of results: which finding a result's words belong to. Pure; the stores ask for the newest."""

from processors.judge.rule import ResultRule, Said
from schemas.finding import Finding, finding_id
from schemas.result import Result


def identity(rule: ResultRule, result: Result) -> str:
    """The finding's id."""
    return finding_id(rule.subject(result), rule.name, result.at_us)


def finding_of(rule: ResultRule, result: Result, said: Said) -> Finding:
    return Finding(
        id=identity(rule, result),
        version=said.version,
        change=said.change,
        subject=rule.subject(result),
        device=result.device,
        rule=rule.name,
        severity=said.severity,
        start_us=said.start_us,
        measured_us=result.at_us,
        received_us=result.received_us,
        peak=said.peak,
        unit=result.unit,
        persistent=rule.persistent,
        detail=said.detail,
    )
