"""Findings for tests: one of a probe, told apart by keyword."""

from typing import Any

from schemas.finding import Change, Finding, Severity, finding_id, subject_of

START_US = 1_764_000_000_000_000
MINUTE_US = 60_000_000


def finding(version: int = 1, change: Change = Change.OPENED, device: str = "d1", **facts: Any) -> Finding:
    """Version `version` of an excursion of `device`, unless `facts` say otherwise."""
    metric = facts.pop("metric", "temperature")
    rule = facts.setdefault("rule", "excursion")
    subject = facts.setdefault("subject", subject_of(device, metric))
    start_us = facts.setdefault("start_us", START_US)
    usual = {
        "id": finding_id(subject, rule, start_us),
        "severity": Severity.ORANGE,
        "measured_us": start_us + MINUTE_US,
        "received_us": start_us + MINUTE_US,
        "end_us": start_us + 2 * MINUTE_US if change is Change.CLOSED else None,
        "unit": "Cel",
        "peak": 9.5,
        "limit": 8.0,
    }
    return Finding(version=version, change=change, device=device, metric=metric, **(usual | facts))
