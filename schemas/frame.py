"""A camera frame's reference on Kafka; the image itself is in the evidence store, by its SHA-256."""

from typing import Final

import msgspec

MAX_FRAME_BYTES: Final = 2 * 1024 * 1024
MAX_FRAME_PIXELS: Final = 20_000_000


class FrameReference(msgspec.Struct, frozen=True, kw_only=True):
    """One frame. Identity: (camera, at_us, seq) from its topic. `width` and `height` were read from the header."""

    camera: str
    at_us: int
    seq: int
    received_us: int
    sha256: str
    size_bytes: int
    width: int
    height: int
    media_type: str = "image/jpeg"


_encoder: Final = msgspec.json.Encoder()
_decoder: Final = msgspec.json.Decoder(FrameReference)


def encode_frame(frame: FrameReference) -> bytes:
    return _encoder.encode(frame)


def decode_frame(value: bytes) -> FrameReference:
    """Raises msgspec.DecodeError / ValidationError on foreign bytes."""
    return _decoder.decode(value)
