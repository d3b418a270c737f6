"""An incident: a finding as people handle it. Every transition is an appended event with actor, time, reason."""

from enum import StrEnum
from typing import Final

import msgspec


class IncidentState(StrEnum):
    """open: wants a person. acknowledged: somebody has it. closed: ended by itself or by a person."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    CLOSED = "closed"


class Transition(StrEnum):
    OPENED = "opened"
    AMENDED = "amended"
    ACKNOWLEDGED = "acknowledged"
    CLOSED = "closed"


SYSTEM: Final = "system"


class IncidentEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One appended row, and the record on topic `alerts`. `incident` is the finding's id."""

    id: int
    incident: str
    transition: Transition
    state: IncidentState
    at_us: int
    actor: str
    note: str = ""
    finding_version: int = 0
    severity: int = 4
    device: str = ""
    rule: str = ""


_encoder: Final = msgspec.json.Encoder()
_decoder: Final = msgspec.json.Decoder(IncidentEvent)


def encode_event(event: IncidentEvent) -> bytes:
    return _encoder.encode(event)


def decode_event(value: bytes) -> IncidentEvent:
    return _decoder.decode(value)
