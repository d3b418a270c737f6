"""A camera frame: JPEG. Its size is read from the header alone; nothing is decoded before the bounds are known."""

from typing import Final

from ingest.codecs._codec import Codec, Identity, Refusal
from ingest.codecs._shapes import ImageSize
from schemas.device_topics import FRAME
from schemas.frame import MAX_FRAME_BYTES, MAX_FRAME_PIXELS
from schemas.jpeg import size_of_jpeg
from schemas.reading import MAX_SEQ

START: Final = b"\xff\xd8\xff"
TIME_DIGITS_MAX: Final = 15


def decode(payload: bytes, received_us: int) -> ImageSize | Refusal:
    """Width and height within the bounds of schemas.frame, or why the image cannot be accepted."""
    if len(payload) > MAX_FRAME_BYTES:
        return Refusal("too_large", detail=f"{len(payload)} > {MAX_FRAME_BYTES} byte")
    if not payload.startswith(START):
        return Refusal("bad_image", detail="不是 JPEG not a JPEG")
    size = size_of_jpeg(payload)
    if size is None:
        return Refusal("bad_image", detail="JPEG 头不完整 incomplete JPEG header")
    width, height = size
    if not width or not height or width * height > MAX_FRAME_PIXELS:
        return Refusal("bad_image", detail=f"{width} x {height} ≠ 1..{MAX_FRAME_PIXELS} px")
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
