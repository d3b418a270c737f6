"""A camera frame: JPEG. Its size is read from the header alone; nothing is decoded before the bounds are known."""

from typing import Final

from ingest.codecs._codec import Codec, Identity, Refusal
from ingest.codecs._shapes import ImageSize
from schemas.device_topics import FRAME
from schemas.frame import MAX_FRAME_BYTES, MAX_FRAME_PIXELS
from schemas.reading import MAX_SEQ

START: Final = b"\xff\xd8\xff"
FRAME_HEADERS: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""SOF0..SOF15 without the three of that range that mean something else (DHT, JPG, DAC)."""
BARE: Final = frozenset({0x01, *range(0xD0, 0xD8)})
"""Markers without a length: TEM, RST0..RST7."""
SCAN, END = 0xDA, 0xD9
TIME_DIGITS_MAX: Final = 15


def decode(payload: bytes, received_us: int) -> ImageSize | Refusal:
    """Width and height within the bounds of schemas.frame, or why the image cannot be accepted."""
    if len(payload) > MAX_FRAME_BYTES:
        return Refusal("too_large", detail=f"{len(payload)} > {MAX_FRAME_BYTES} byte")
    if not payload.startswith(START):
        return Refusal("bad_image", detail="不是 JPEG not a JPEG")
    size = _size(payload)
    if size is None:
        return Refusal("bad_image", detail="JPEG 头不完整 incomplete JPEG header")
    if not size.width or not size.height or size.width * size.height > MAX_FRAME_PIXELS:
        return Refusal("bad_image", detail=f"{size.width} x {size.height} ≠ 1..{MAX_FRAME_PIXELS} px")
    return size


def _size(payload: bytes) -> ImageSize | None:
    """Walks the segments up to the frame header. Every step moves forward, so that any bytes end it."""
    at = 2
    while at + 4 <= len(payload):
        if payload[at] != 0xFF:
            return None
        marker = payload[at + 1]
        if marker == 0xFF:
            at += 1
        elif marker in BARE:
            at += 2
        elif marker in (SCAN, END):
            return None
        elif marker in FRAME_HEADERS:
            return _frame_header(payload, at)
        else:
            at += 2 + max(2, int.from_bytes(payload[at + 2 : at + 4], "big"))
    return None


def _frame_header(payload: bytes, at: int) -> ImageSize | None:
    if at + 9 > len(payload):
        return None
    height = int.from_bytes(payload[at + 5 : at + 7], "big")
    width = int.from_bytes(payload[at + 7 : at + 9], "big")
    return ImageSize(width, height)


def identity(rest: tuple[str, ...]) -> Identity | None:
    """`frame` alone, or `frame/{at_ms}/{seq}`; None when it is neither."""
    if not rest:
        return Identity()
    if len(rest) != 2 or not all(level.isascii() and level.isdigit() for level in rest):
        return None
    at, seq = rest
    if len(at) > TIME_DIGITS_MAX or len(seq) > len(str(MAX_SEQ)) or int(seq) > MAX_SEQ:
        return None
    return Identity(int(at) * 1000, int(seq))


JPEG: Final = Codec(name="jpeg", channel=FRAME, identity=identity, decode=decode)
