"""The cameras of one partition as a checkpoint has them: JSON with a number for its format, checks by name.

A check that is not in the checkpoint starts empty; a new field takes its default, one that went is dropped. Format 1
was the cameras alone, without a number.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from processors.frames.engine import CameraState
from processors.worker.work import unreadable_checkpoint
from schemas.errors import Permanent

FORMAT: Final = 2


class _Stored(msgspec.Struct):
    format: int
    cameras: dict[str, CameraState]


class _Numbered(msgspec.Struct):
    format: int


_encoder: Final = msgspec.json.Encoder()
_decoder: Final = msgspec.json.Decoder(_Stored)
_format_1: Final = msgspec.json.Decoder(dict[str, CameraState])
_number: Final = msgspec.json.Decoder(_Numbered)


def encode_states(cameras: Mapping[str, CameraState]) -> bytes:
    return _encoder.encode({"format": FORMAT, "cameras": cameras})


def decode_states(text: bytes) -> dict[str, CameraState]:
    """The cameras of a checkpoint of any format. Raises Permanent, with what to do, when it cannot be read."""
    try:
        number = _format_of(text)
        if number == 1:
            return _format_1.decode(text)
        if number != FORMAT:
            raise LookupError(f"format {number}, this version reads up to {FORMAT}")
        return _decoder.decode(text).cameras
    except (msgspec.DecodeError, LookupError) as error:
        raise Permanent(unreadable_checkpoint(str(error))) from error


def _format_of(text: bytes) -> int:
    try:
        return _number.decode(text).format
    except msgspec.ValidationError:  # no number, or a camera of that name
        return 1
