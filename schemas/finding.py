"""A finding: what a rule says of a point or device. Versions of one finding share its deterministic id."""

import uuid
from enum import IntEnum, StrEnum
from typing import Final, NamedTuple

import msgspec

NAMESPACE: Final = uuid.UUID("7d2d5c3e-52a6-5f0e-9d0a-6d2f3c0b8a11")


class Change(StrEnum):
    OPENED = "opened"
    AMENDED = "amended"
    CLOSED = "closed"


class Severity(IntEnum):
    """Four levels; 1 is the worst. Red: act at once. Orange: by a deadline. Yellow: watch. Blue: for information."""

    RED = 1
    ORANGE = 2
    YELLOW = 3
    BLUE = 4


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One version of a finding; versions count from 1 and the highest one holds, whatever the order of arrival.

    subject: "device/metric", or "device" when the whole device is meant (see `subject_of`).
    start_us / end_us: of the episode, event time (device-level rules: received time); `end_us` None while open.
    peak: worst value so far in `unit`; limit: the limit it is held against.
    measured_us / received_us: of the message that led to this version; late: it came too late for a siren.
    persistent: the episode does not end by itself, a person closes it (a positive test).
    detail: small facts for the screen (result number, frame hash, codes).
    """

    id: str
    version: int
    change: Change
    subject: str
    device: str
    rule: str
    severity: Severity
    start_us: int
    measured_us: int
    received_us: int
    metric: str = ""
    point_id: int = 0
    end_us: int | None = None
    peak: float | None = None
    limit: float | None = None
    unit: str = ""
    profile: str = ""
    profile_version: int = 0
    late: bool = False
    persistent: bool = False
    detail: dict[str, str] = {}


def subject_of(device: str, metric: str = "") -> str:
    return f"{device}/{metric}" if metric else device


class First(NamedTuple):
    """What an episode's id is made of: its start as first judged, whatever it is amended to, and which of the episodes
    of that start it is, from 0."""

    start_us: int
    ordinal: int = 0


def finding_id(subject: str, rule: str, start_us: int, ordinal: int = 0) -> str:
    """UUIDv5 of (subject, rule, `First`): the same topic replayed gives the same ids."""
    which = f"\n{ordinal}" if ordinal else ""
    return str(uuid.uuid5(NAMESPACE, f"{subject}\n{rule}\n{start_us}{which}"))


def next_first(newest: First | None, start_us: int) -> First:
    """Of an episode that opens now; newest: of the one opened last of its subject and rule."""
    again = newest is not None and newest.start_us == start_us
    return First(start_us, newest.ordinal + 1 if newest and again else 0)


_encoder: Final = msgspec.json.Encoder()
_decoder: Final = msgspec.json.Decoder(Finding)


def encode_finding(finding: Finding) -> bytes:
    return _encoder.encode(finding)


def decode_finding(value: bytes) -> Finding:
    """Raises msgspec.DecodeError / ValidationError on foreign bytes."""
    return _decoder.decode(value)
