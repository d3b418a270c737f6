"""The rule state of one partition as a checkpoint has it: JSON with a number for its format, rule states by name.

A rule that is not in the checkpoint starts empty, one that is not in the table is dropped; a state's new field takes
its default, one that went is dropped. Format 1, without a number, is read by `processors.judge.checkpoint_1`.
"""

from typing import Any, Final

import msgspec

from processors.judge import checkpoint_1, point_rules
from processors.judge.pace import NONE, Pace
from processors.judge.registry_view import RegistryView
from processors.judge.rule import Rule
from processors.judge.rules import TABLE
from processors.judge.stalls import Stall
from processors.judge.state import HOUR_US, DeviceState, PartitionState
from processors.judge.stream_time import GatewayClock
from processors.judge.table import RuleTable
from processors.worker.work import unreadable_checkpoint
from schemas.errors import Permanent
from schemas.finding import First

FORMAT: Final = 2


class StoredPoint(msgspec.Struct, array_like=True, gc=False):
    """A point; new fields go behind, with a default."""

    point: int
    high: int
    last: int
    seq: int
    received: int
    shown: str
    since: int
    flagged: list[tuple[int, int]]
    states: dict[str, msgspec.Raw] = {}
    told: dict[str, First] = {}
    pace: Pace = NONE
    value: float | None = None


class StoredDevice(msgspec.Struct, array_like=True, gc=False):
    id: str
    refused_us: int
    refused_codes: list[str]
    states: dict[str, msgspec.Raw] = {}
    told: dict[str, First] = {}
    accepted_us: int = 0


class Stored(msgspec.Struct):
    format: int
    points: list[StoredPoint]
    devices: list[StoredDevice]
    stream_us: int
    stalls: tuple[Stall, ...]
    totals: dict[str, int]
    gateways: dict[str, GatewayClock] = {}


class _Numbered(msgspec.Struct):
    format: int = 1


_encoder: Final = msgspec.json.Encoder()
_decoder: Final = msgspec.json.Decoder(Stored)
_number: Final = msgspec.json.Decoder(_Numbered)


def encode_state(state: PartitionState) -> bytes:
    """The state as JSON. The books (`take_values`) are not part of it: they are written beside it."""
    points = [
        (
            p,
            s.high,
            s.last,
            s.seq,
            s.received,
            s.shown,
            s.since,
            s.flagged,
            _by_name(s.rules, s.states),
            s.told,
            s.pace,
            s.value,
        )
        for p, s in state.points.items()
    ]
    rules = state.table.device
    devices = [
        (d.id, d.refused_us, d.refused_codes, _by_name(rules, d.states), d.told, d.accepted_us)
        for _, d in sorted(state.devices.items())
        if d.refused_us or d.accepted_us or d.told or not d.is_calm()
    ]
    return _encoder.encode(
        {
            "format": FORMAT,
            "points": points,
            "devices": devices,
            "gateways": state.gateways,
            "stream_us": state.stream_us,
            "stalls": state.stalls,
            "totals": state.totals,
        }
    )


def decode_state(text: bytes, registry: RegistryView, table: RuleTable = TABLE) -> PartitionState:
    """The state of a checkpoint, whichever format it has. Raises Permanent, with what to do, when it cannot be read."""
    try:
        return _state_of(_stored(text, registry), registry, table)
    except (msgspec.DecodeError, LookupError) as error:
        raise Permanent(unreadable_checkpoint(str(error))) from error


def _stored(text: bytes, registry: RegistryView) -> Stored:
    """Raises msgspec.DecodeError on foreign bytes, LookupError for a format of a later version."""
    number = _number.decode(text).format
    if number == 1:
        text = checkpoint_1.to_format_2(text, registry.point)
    elif number != FORMAT:
        raise LookupError(f"format {number}, this version reads up to {FORMAT}")
    return _decoder.decode(text)


def _state_of(stored: Stored, registry: RegistryView, table: RuleTable) -> PartitionState:
    """Raises LookupError for a point that the registry does not have."""
    state = PartitionState(
        table=table,
        gateways=stored.gateways,
        stream_us=stored.stream_us,
        stalls=stored.stalls,
        totals=stored.totals,
    )
    for row in stored.points:
        _put_point(state, row, registry)
    for known in stored.devices:
        _put_device(state.device(known.id), known)
    state.turn_hour(state.stream_us - state.stream_us % HOUR_US)
    state.check_all()
    return state


def _put_point(state: PartitionState, row: StoredPoint, registry: RegistryView) -> None:
    facts = registry.point(row.point)
    if facts is None:
        raise LookupError(f"point {row.point} is not in the registry")
    point = state.add_point(facts)
    point.high, point.last, point.seq, point.received = row.high, row.last, row.seq, row.received
    point.shown, point.since, point.flagged, point.told = row.shown, row.since, row.flagged, row.told
    point.states, point.pace, point.value = _in_order(point.rules, row.states), row.pace, row.value
    point_rules.note_ticking(state, point)


def _put_device(device: DeviceState, row: StoredDevice) -> None:
    device.refused_us, device.refused_codes, device.told = row.refused_us, row.refused_codes, row.told
    device.states, device.accepted_us = _in_order(device.table.device, row.states), row.accepted_us


def _by_name(rules: tuple[Rule, ...], states: list[Any]) -> dict[str, Any]:
    if not any(states):
        return {}
    return {rule.name: state for rule, state in zip(rules, states, strict=True) if state is not None}


def _in_order(rules: tuple[Any, ...], states: dict[str, msgspec.Raw]) -> list[Any]:
    return [
        msgspec.json.decode(states[rule.name], type=rule.state) if rule.name in states else None
        for rule in rules
    ]
