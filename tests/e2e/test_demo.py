"""`make demo DEMO_SECONDS=60`: each scripted fault is an incident on the page, nothing else is, the books balance."""

import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from city.faults import Kind
from city.plan import INTERVAL_S
from tests.e2e.demo_run import ADDRESS, SECONDS, DemoRun

pytestmark = pytest.mark.long

CAMERAS, INSTRUMENTS = 8, 6
INTERVAL = timedelta(seconds=INTERVAL_S)


def test_it_ends_with_zero_and_one_json_object(demo: DemoRun) -> None:
    assert demo.code == 0, f"{demo.told}\n{demo.output}"
    assert len(demo.output) == 1, "progress belongs to standard error"
    expected = {
        *("accepted", "stored", "duplicate", "quarantined", "dead_lettered", "in_flight"),
        *("findings", "incidents", "frames", "results", "console_url"),
    }
    assert expected <= set(json.loads(demo.output[-1]))


def test_the_ledger_balances_and_nothing_is_in_flight(demo: DemoRun) -> None:
    closing = demo.closing
    assert closing["in_flight"] == 0
    settled = sum(closing[name] for name in ("stored", "duplicate", "quarantined", "dead_lettered"))
    assert closing["accepted"] == settled
    assert closing["stored"] > 1000
    assert closing["quarantined"] > 0
    assert closing["dead_lettered"] > 0


def test_every_scripted_fault_was_an_incident_on_the_page_in_time(demo: DemoRun) -> None:
    assert {label["fault"] for label in demo.labels} == {kind.value for kind in Kind}
    late = {
        label["fault"]: demo.seen.get((label["rule"], label["subject"]))
        for label in demo.labels
        if demo.seen.get((label["rule"], label["subject"]), 2.0 * SECONDS) > SECONDS
    }
    assert not late, demo.seen


def test_nothing_else_was_an_incident(demo: DemoRun) -> None:
    scripted = {(label["rule"], label["subject"]) for label in demo.labels}
    others = [i for i in demo.incidents.values() if (i["rule"], i["subject"]) not in scripted]
    assert not others
    assert demo.closing["incidents"] == demo.closing["findings"] == len(scripted)


def test_incidents_begin_with_their_fault(demo: DemoRun) -> None:
    """Not before the label says; a silence begins with what was heard last, at most an interval earlier."""
    begins = {
        (i["rule"], i["subject"]): datetime.fromisoformat(i["start_at"]) for i in demo.incidents.values()
    }
    early = {
        label["fault"]: (label["start_at"], begun)
        for label in demo.labels
        if (begun := begins[label["rule"], label["subject"]])
        < datetime.fromisoformat(label["start_at"]) - INTERVAL
    }
    assert not early


def test_frames_and_results_are_counted(demo: DemoRun) -> None:
    assert demo.closing["frames"] >= CAMERAS * (SECONDS // 2 - 2)
    assert demo.closing["results"] >= INSTRUMENTS * (SECONDS // 10 - 1) + 1


def test_no_process_is_left(demo: DemoRun) -> None:
    assert not [path for path in Path("/proc").glob("[0-9]*") if _belongs_to(path, str(demo.home))]


def _belongs_to(process: Path, home: str) -> bool:
    """Whether the process names this home directory in its arguments or environment."""
    try:
        return home in (process / "cmdline").read_text() + (process / "environ").read_text()
    except (OSError, UnicodeDecodeError):
        return False  # it has just ended, or is none of ours


def test_the_password_is_told_once_and_stands_in_no_log(demo: DemoRun) -> None:
    address = ADDRESS.search(demo.told)
    assert address is not None, demo.told
    password = address.group(3)
    assert demo.told.count(password) == 1
    logs = list((demo.home / "logs").glob("*.log"))
    assert logs
    assert not [log.name for log in logs if password in log.read_text(errors="replace")]
