"""Checkpoints of format 1, which carried no number: rows by position, one breach a point. Read, never written."""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from processors.judge.registry_view import PointFacts

BREACH: Final = (
    "start_us",
    "sides",
    "peak",
    "limit",
    "severity",
    "measured_us",
    "inside",
    "inside_us",
    "version",
)
SILENCE: Final = ("start_us", "version")
CLOCK: Final = ("start_us", "version", "sound", "sound_us")
REFUSED: Final = ("start_us", "last_us", "code", "version")
GATEWAY: Final = ("at_us", "own_us", "trust", "appended", "wrong")
WRONG_GATEWAY: Final = ("start_us", "off_us", "version", "sound", "sound_us")
STALL: Final = ("seen_us", "moved_us")
RIGHT: Final = 1
"""What was trusted of every gateway before clocks were held against Kafka's."""


class _Stored(msgspec.Struct):
    points: list[list[Any]]
    devices: list[list[Any]]
    stream_us: int
    stalls: list[list[int]]
    totals: dict[str, int]
    gateways: dict[str, list[Any]] = {}
    clocks: dict[str, int] = {}
    """In place of `gateways` before there were such: the newest clock line of each run."""


_decoder: Final = msgspec.json.Decoder(_Stored)


def to_format_2(text: bytes, facts_of: Callable[[int], PointFacts | None]) -> bytes:
    """The same state in format 2. Raises msgspec.DecodeError on foreign bytes, LookupError for an unknown point."""
    old = _decoder.decode(text)
    silences: dict[str, dict[int, dict[str, Any]]] = {}
    points = []
    for number, high, last, seq, received, shown, since, breach, silence, flagged in old.points:
        facts = facts_of(number)
        if facts is None:
            raise LookupError(f"point {number} is not in the registry")
        rule = "door_open" if facts.metric == "open" else "excursion"
        states = {rule: _named(BREACH, breach)} if breach else {}
        if silence:
            silences.setdefault(facts.device, {})[number] = _named(SILENCE, silence)
        points.append((number, high, last, seq, received, shown, since, flagged, states))
    return msgspec.json.encode(
        {
            "format": 2,
            "points": points,
            "devices": _devices(old, silences),
            "gateways": _gateways(old),
            "stream_us": old.stream_us,
            "stalls": [_named(STALL, stall) for stall in old.stalls],
            "totals": old.totals,
        }
    )


def _devices(old: _Stored, silences: dict[str, dict[int, dict[str, Any]]]) -> list[Any]:
    rows = {row[0]: row for row in old.devices}
    devices: list[Any] = []
    for name in sorted(rows.keys() | silences.keys()):
        _, refused_us, codes, silence, clock, refused = rows.get(name, (name, 0, [], None, None, None))
        states: dict[str, Any] = {}
        if silence or name in silences:
            device = _named(SILENCE, silence) if silence else None
            states["silence"] = {"device": device, "points": silences.get(name, {})}
        if clock:
            states["clock"] = _named(CLOCK, clock)
        if refused:
            states["refused"] = _named(REFUSED, refused)
        devices.append((name, refused_us, codes, states))
    return devices


def _gateways(old: _Stored) -> dict[str, Any]:
    if not old.gateways:
        return {run: {"at_us": at_us, "own_us": at_us, "trust": RIGHT} for run, at_us in old.clocks.items()}
    named = {run: _named(GATEWAY, row) for run, row in old.gateways.items()}
    for gateway in named.values():
        if wrong := gateway.get("wrong"):
            gateway["wrong"] = _named(WRONG_GATEWAY, wrong)
    return named


def _named(fields: tuple[str, ...], row: list[Any]) -> dict[str, Any]:
    return dict(zip(fields, row, strict=False))  # rows of earlier versions were shorter
