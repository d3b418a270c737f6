"""The line that the owner of a new device pastes."""

import json
import shlex

import pytest

from coldwatch.operate.first_message import NOW_MS, first_message
from ingest.kinds import KINDS
from schemas.registry import Device


def device(kind: str, behind: str = "") -> Device:
    return Device(
        id="d1", kind=kind, enterprise="e1", site="s1", interval_us=1, profile="demo", behind=behind
    )


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_has_a_line_that_publishes_where_it_may(kind: str) -> None:
    first = first_message(device(kind), "token", "127.0.0.1", 1883)
    words = shlex.split(first.command.replace(NOW_MS, "1"))
    assert words[words.index("-t") + 1] == first.topic
    if kind == "gateway":
        assert first.topic == "cw/v1/e1/DEVICE/telemetry"
    else:
        assert first.topic == f"cw/v1/e1/d1/{KINDS[kind].channels[0]}"
    if "-m" in words:
        assert json.loads(words[words.index("-m") + 1])["at"] == 1


def test_a_device_behind_a_gateway_signs_in_as_the_gateway_whose_token_is_not_known_here() -> None:
    command = first_message(device("probe", "g1"), "", "h", 1883).command
    assert '-u g1 -P "$GATEWAY_TOKEN"' in command


def test_a_port_that_nobody_has_chosen_yet_is_left_to_fill_in() -> None:
    assert "-p PORT" in first_message(device("probe"), "t", "h", 0).command
