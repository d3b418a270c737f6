"""Every rule against its folder of cases: lines and profile in, findings out. Seconds count from BASE_US."""

import json
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest

from processors.judge import result_rules
from processors.judge.engine import judge
from processors.judge.judged import Judged
from processors.judge.registry_view import RegistryView
from processors.judge.rules import RULES, positive_test
from processors.judge.state import PartitionState
from schemas.finding import Finding
from schemas.profile import GraceWindow, Profile
from schemas.reading import Line, clock_line, decode_lines, reading_line, refused_line, sound_line
from schemas.registry import Device, Point
from schemas.result import Result, Verdict

BASE_US = 1_767_225_600_000_000  # 2026-01-01T00:00:00Z, 08:00 in Shanghai
ROOT = Path(__file__).resolve().parents[2] / "cases" / "rules"
CASES = sorted(ROOT.glob("*/*.json"))


def us(seconds: float) -> int:
    return BASE_US + round(seconds * 1_000_000)


def book_of(case: dict[str, Any]) -> RegistryView:
    metrics = metrics_of(case)
    points = tuple(
        Point(id=i, device="d", metric=m, unit="u", possible_low=-99, possible_high=99)
        for i, m in enumerate(metrics, 1)
    )
    retired = us(case["retired"]) if "retired" in case else None
    device = Device(
        id="d", kind=case.get("kind", "probe"), enterprise="e", site="s",
        interval_us=case.get("interval", 60) * 1_000_000, profile="p", points=points, retired_us=retired,
    )  # fmt: skip
    rows = case.get("profiles") or [case.get("profile", {"metric": "*"})]
    return RegistryView([device], [profile_of(row) for row in rows])


def profile_of(row: dict[str, Any]) -> Profile:
    values = {"name": "p", "version": 1, **row}
    values["effective_from_us"] = us(values.pop("effective_from")) if "effective_from" in values else 0
    values["grace"] = tuple(GraceWindow(**window) for window in values.get("grace", ()))
    return Profile(**values)


def metrics_of(case: dict[str, Any]) -> list[str]:
    return case["metrics"] if "metrics" in case else [case.get("metric", "temperature")]


def entries_of(case: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The lines of a case. One with `every` stands for one every so many seconds `from` .. `to`, received `lag` later
    (a list: in turn), its value `v` (a list: in turn); with `ticks` a clock line stands before it for each second."""
    ticked = 0.0
    for entry in case["lines"]:
        if "every" not in entry:
            yield entry
            continue
        plain = {k: v for k, v in entry.items() if k not in ("every", "from", "to", "ticks", "lag", "v")}
        values, lags = (v if isinstance(v, list) else [v] for v in (entry.get("v"), entry.get("lag", 0)))
        times = range(entry["from"], entry["to"] + 1, entry["every"])
        for at, value, lag in zip(times, cycle(values), cycle(lags), strict=False):
            if entry.get("ticks"):
                yield {"clock_from": round(ticked), "to": at + lag}
                ticked = at + lag + 1
            said = {"sound": at} if value is None else {"at": at, "v": value}
            yield plain | said | {"r": at + lag}


def lines_of(case: dict[str, Any]) -> list[tuple[Line, int]]:
    """Each with Kafka's time of its record, 0 where the case gives none. `off`: the clock line's distance from it."""
    metrics = metrics_of(case)
    lines: list[tuple[Line, int]] = []
    for entry in entries_of(case):
        text, written_us = b"", 0
        if "written" in entry:
            written_us = us(entry["written"])
            text = clock_line(us(entry["written"] + entry["off"]), entry.get("run", "g"), entry["ordinal"])
        elif "clock" in entry:
            text = clock_line(us(entry["clock"]), entry.get("run", "g"))
        elif "clock_from" in entry:
            seconds = range(entry["clock_from"], entry["to"] + 1)
            text = b"".join(clock_line(us(s), entry.get("run", "g")) for s in seconds)
        elif "sound" in entry:
            text = sound_line("d", us(entry["sound"]), us(entry.get("r", entry["sound"])))
        elif "refused" in entry:
            text = refused_line("d", entry["refused"], us(entry["r"]), entry.get("positive", False))
        else:
            point = metrics.index(entry.get("metric", metrics[0])) + 1
            received = us(entry.get("r", entry["at"]))
            text = reading_line(
                point, us(entry["at"]), entry.get("seq", 0), entry["v"], entry.get("q", 1), received
            )
        lines += [(line, written_us) for line in decode_lines(text)]
    return lines


def findings_of_results(case: dict[str, Any]) -> list[Finding]:
    findings: list[Finding] = []
    for row in case["results"]:
        result = Result(
            device="d", number=row["number"], at_us=us(row["at"]), received_us=us(row["at"]), sample="s", item="i",
            verdict=Verdict(row["verdict"]), verdict_raw=row["verdict"], content_sha256="", value=row.get("value"),
        )  # fmt: skip
        same = [f for f in findings if f.id == result_rules.identity(positive_test.RULE, result)]
        newest = max(same, key=lambda f: f.version, default=None)
        said = positive_test.step(
            result, newest.version if newest else 0, newest.severity if newest else None
        )
        findings += [result_rules.finding_of(positive_test.RULE, result, said)] if said else []
    return findings


def seen(finding: Finding, wanted: dict[str, Any]) -> dict[str, Any]:
    """The finding in the words of the case, as far as the case speaks of it."""

    def seconds(time_us: int | None) -> float | None:
        return None if time_us is None else (time_us - BASE_US) / 1e6

    words: dict[str, Any] = {
        "change": str(finding.change), "version": finding.version, "severity": int(finding.severity),
        "start": seconds(finding.start_us), "end": seconds(finding.end_us), "measured": seconds(finding.measured_us),
        "subject": finding.subject, "peak": finding.peak, "limit": finding.limit, "late": finding.late,
        "persistent": finding.persistent, "profile_version": finding.profile_version, "detail": finding.detail,
    }  # fmt: skip
    return {key: words[key] for key in (*wanted, "end", "late", "persistent")}


@pytest.mark.parametrize("path", CASES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_rule_finds_what_its_case_says(path: Path) -> None:
    case = json.loads(path.read_text(encoding="utf-8"))
    rule = path.parent.name
    judged = Judged()
    if "results" in case:
        judged.findings = findings_of_results(case)
    else:
        states: list[list[Any]] = []
        state, book = PartitionState(), book_of(case)
        for line, written_us in lines_of(case):
            judged.shown.clear()
            judge(state, [line], book, judged, written_us=written_us)
            states += [[shown.state, (shown.since_us - BASE_US) / 1e6] for shown in judged.shown.values()]
        assert states == case.get("shown", states)
    found = [finding for finding in judged.findings if finding.rule == rule]
    persistent = RULES[rule].persistent
    expected = [{"end": None, "late": False, "persistent": persistent, **wanted} for wanted in case["expect"]]
    assert [seen(finding, wanted) for finding, wanted in zip(found, case["expect"], strict=False)] == expected
    assert len(found) == len(expected)
    if "opened_at" in case:
        assert found[0].measured_us == us(case["opened_at"])


def test_every_rule_explains_itself_in_both_languages() -> None:
    for rule in RULES.values():
        assert rule.explain("zh") != rule.explain("en")
