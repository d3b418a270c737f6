"""tests/cases/kinds/<kind>/<case>.json: a message of a device of that kind, and where each of its parts ends."""

import base64
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from ingest.admission import Admitted, admit, refuse, resolve
from ingest.kinds import KINDS
from schemas.reading import decode_lines
from schemas.registry import Device, Point
from schemas.rejection import Rejection
from schemas.times import to_us

FOLDER = Path(__file__).resolve().parents[2] / "cases" / "kinds"
CASES = sorted(FOLDER.glob("*/*.json"))


def device_of(kind: str, id: str, behind: str = "") -> Device:
    """As the registry enrols it; its points are numbered from 1 in the order of the kind's metrics."""
    points = tuple(
        Point(
            id=number,
            device=id,
            metric=metric.name,
            unit=metric.unit,
            possible_low=metric.possible_low,
            possible_high=metric.possible_high,
        )
        for number, metric in enumerate(KINDS[kind].metrics, 1)
    )
    return Device(
        id=id,
        kind=kind,
        enterprise="e1",
        site="s1",
        interval_us=KINDS[kind].interval_us,
        profile=KINDS[kind].profile,
        behind=behind,
        points=points,
    )


def outcome(admitted: Admitted) -> dict[str, Any]:
    """What a person wants to know of it, in the words of the case files."""
    lines = decode_lines(admitted.lines)
    result, frame = admitted.result, admitted.frame
    found: dict[str, Any] = {
        "values": [[line.p, line.v, line.q] for line in lines if line.p],
        "notes": [line.n for line in lines if not line.p],
        "rejections": [[r.code, r.path, r.count, r.disposition.value] for r, _raw in admitted.rejections],
        "result": result and [result.number, result.verdict.value, result.verdict_raw, result.value],
        "frame": frame and [frame.width, frame.height, frame.seq],
    }
    return {name: value for name, value in found.items() if value}


@pytest.mark.parametrize("path", CASES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_message_ends_where_the_case_says(path: Path) -> None:
    case = json.loads(path.read_text(encoding="utf-8"))
    publisher = device_of(path.parent.name, "d1")
    children = {"child": device_of(case["child"], "child", "d1")} if "child" in case else {}
    received_us = to_us(datetime.fromisoformat(case["received_at"]))
    payload = base64.b64decode(case["base64"]) if "base64" in case else json.dumps(case["payload"]).encode()
    route = resolve(publisher, case["topic"], children.get)
    decide = refuse if isinstance(route, Rejection) else admit
    admitted = decide(route, payload, received_us)  # type: ignore[arg-type]
    assert outcome(admitted) == case["expected"]
    assert admitted.count == len(case["expected"].get("values", []))
