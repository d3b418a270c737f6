"""Channels by their cases: an event in, what leaves out."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
import structlog
from kafka.errors import KafkaTimeoutError

from alerts.channels import CHANNELS, Tools
from schemas.incident import IncidentEvent

CASES = Path(__file__).resolve().parents[2] / "cases" / "channels"


def cases(channel: str) -> list[Any]:
    return [
        pytest.param(json.loads(f.read_text("utf-8")), id=f.stem)
        for f in sorted((CASES / channel).glob("*.json"))
    ]


class Future:
    def __init__(self, away: bool) -> None:
        self._away = away

    def get(self, timeout: float) -> None:
        if self._away:
            raise KafkaTimeoutError("no answer")


class FakeProducer:
    """Keeps what is sent; `away`: nothing is ever confirmed."""

    def __init__(self, away: bool = False) -> None:
        self.sent: list[dict[str, Any]] = []
        self._away = away

    def send(self, topic: str, value: bytes, key: bytes) -> Future:
        self.sent.append({"topic": topic, "key": key.decode(), "value": json.loads(value)})
        return Future(self._away)

    def flush(self, timeout: float | None = None) -> None: ...


@pytest.mark.parametrize("case", cases("topic"))
def test_topic(case: dict[str, Any]) -> None:
    producer = FakeProducer(case.get("away", False))
    channel = CHANNELS["topic"].build(Tools(producer, prefix="city-"))
    (error,) = channel.deliver([msgspec.convert(case["event"], IncidentEvent)])
    expected = case["expected"]
    if "error" in expected:
        assert expected["error"] in error
    else:
        assert error == ""
        assert producer.sent == [expected]


@pytest.mark.parametrize("case", cases("log"))
def test_log(case: dict[str, Any]) -> None:
    with structlog.testing.capture_logs() as lines:
        channel = CHANNELS["log"].build(Tools(FakeProducer()))
        assert channel.deliver([msgspec.convert(case["event"], IncidentEvent)]) == [""]
    (line,) = lines
    assert {name: line[name] for name in case["expected"]["line"]} == case["expected"]["line"]
    assert case["event"].get("note", "-") not in str(line)


def test_every_channel_is_run_by_a_test_of_its_cases() -> None:
    assert {channel for channel in CHANNELS if cases(channel)} == {"topic", "log"} == set(CHANNELS)
