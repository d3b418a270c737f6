"""Hostile and broken images: refused or undecodable, never a pixel of another image, never the end of the worker."""

import os
import signal
import struct
import zlib
from collections.abc import Iterator

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from processors.frames.vision.decode import MAX_SCANS, Decoder, Undecodable, refuse, size_of
from schemas.frame import MAX_FRAME_BYTES


@pytest.fixture(scope="module")
def decoder() -> Iterator[Decoder]:
    with Decoder() as made:
        yield made


def textured(seed: int = 1, low: int = 0, high: int = 255, shape: tuple[int, int] = (360, 640)) -> np.ndarray:
    coarse = np.random.default_rng(seed).integers(low, high, (shape[0] // 8, shape[1] // 8), dtype=np.uint8)
    return cv2.resize(coarse, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC)


def jpeg(image: np.ndarray, *flags: int) -> bytes:
    return cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 80, *flags])[1].tobytes()


def png(width: int, height: int, data: bytes = b"") -> bytes:
    """A PNG of one bit a pixel, all black unless `data` says otherwise."""
    rows = data or zlib.compress(bytes((width // 8 + 1) * height), 9)
    chunks = [
        (b"IHDR", struct.pack("!IIBBBBB", width, height, 1, 0, 0, 0, 0)),
        (b"IDAT", rows),
        (b"IEND", b""),
    ]
    body = b"".join(
        struct.pack("!I", len(c)) + kind + c + struct.pack("!I", zlib.crc32(kind + c)) for kind, c in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + body


def test_a_whole_image_comes_back_in_grey_at_a_quarter(decoder: Decoder) -> None:
    image = textured()
    grey = decoder.decode(jpeg(image))
    assert isinstance(grey, np.ndarray)
    assert (grey.shape, grey.dtype) == ((90, 160), np.uint8)
    quarter = cv2.resize(image, (160, 90), interpolation=cv2.INTER_AREA)
    assert float(np.abs(grey.astype(int) - quarter).mean()) < 6


@pytest.mark.parametrize("flags", [(), (cv2.IMWRITE_JPEG_PROGRESSIVE, 1), (cv2.IMWRITE_JPEG_RST_INTERVAL, 4)])
def test_sizes_are_read_from_the_header(flags: tuple[int, ...]) -> None:
    assert size_of(jpeg(textured(shape=(240, 320)), *flags)) == (320, 240)
    assert size_of(png(640, 360)) == (640, 360)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xd8",
        b"\xff\xd8\xff",
        b"GIF89a" + bytes(99),
        b"II*\0" + bytes(99),
        b"\0" * 99,
        b"\x89PNG\r\n\x1a\n",
    ],
)
def test_what_is_no_jpeg_or_png_is_refused_without_decoding(data: bytes) -> None:
    assert isinstance(refuse(data), Undecodable)


def test_a_bomb_is_refused_by_its_header() -> None:
    refused = refuse(png(30_000, 30_000, zlib.compress(b"x")))
    assert refused is not None
    assert "30000 x 30000" in refused.reason


def test_a_jpeg_that_lies_about_its_size_is_refused_or_undecodable(decoder: Decoder) -> None:
    data = bytearray(jpeg(textured()))
    at = data.index(b"\xff\xc0") + 5
    data[at : at + 4] = struct.pack("!HH", 60_000, 60_000)
    assert refuse(bytes(data)) is not None
    data[at : at + 4] = struct.pack("!HH", 4_000, 5_000)  # allowed, and far more than there is
    assert isinstance(decoder.decode(bytes(data)), Undecodable)


def test_too_many_bytes_and_too_many_scans_are_refused() -> None:
    assert refuse(jpeg(textured()) + bytes(MAX_FRAME_BYTES)) is not None
    many = jpeg(textured()) + b"\xff\xda" * (MAX_SCANS + 1) + b"\xff\xd9"
    assert "scans" in (refuse(many) or Undecodable("")).reason


def test_the_largest_allowed_image_is_decoded_within_the_limits(decoder: Decoder) -> None:
    flat = np.full((4000, 5000, 3), 127, np.uint8)
    for flags in ((), (cv2.IMWRITE_JPEG_PROGRESSIVE, 1)):
        grey = decoder.decode(jpeg(flat, *flags))
        assert isinstance(grey, np.ndarray)
        assert grey.shape == (1000, 1250)


def broken_images() -> dict[str, bytes]:
    """Ways in which a JPEG of dark texture is broken in its second half."""
    whole = jpeg(textured(2, 0, 60))
    half = len(whole) // 2
    noise = np.random.default_rng(5).integers(0, 255, 300, dtype=np.uint8).tobytes()
    return {
        "cut": whole[:half],
        "cut_with_an_end": whole[:half] + b"\xff\xd9",
        "zeros": whole[:half] + bytes(len(whole) - half - 2) + b"\xff\xd9",
        "noise": whole[:half] + noise + whole[half + 300 :],
        "no_quantisation_tables": whole.replace(b"\xff\xdb", b"\xff\xfe"),
        "end_after_the_header": whole[: whole.index(b"\xff\xda") + 14] + b"\xff\xd9",
    }


@pytest.mark.parametrize("how", sorted(broken_images()))
def test_no_pixel_of_the_image_before_shows_in_a_broken_one(decoder: Decoder, how: str) -> None:
    bright = jpeg(textured(1, 200, 255))
    for _ in range(3):
        first = decoder.decode(bright)
        assert isinstance(first, np.ndarray)
        assert int(first.min()) > 150
        broken = decoder.decode(broken_images()[how])
        assert isinstance(broken, Undecodable), f"mean {broken.mean()}"


def test_a_png_cut_short_shows_nothing_of_the_image_before(decoder: Decoder) -> None:
    whole = cv2.imencode(".png", textured(2, 0, 60))[1].tobytes()
    for cut in (len(whole) // 2, len(whole) - 20):
        assert isinstance(decoder.decode(jpeg(textured(1, 200, 255))), np.ndarray)
        assert isinstance(decoder.decode(whole[:cut]), Undecodable)


def test_a_child_that_dies_is_replaced() -> None:
    with Decoder() as decoder:
        assert isinstance(decoder.decode(jpeg(textured())), np.ndarray)
        os.kill(decoder.child, signal.SIGKILL)
        assert isinstance(decoder.decode(jpeg(textured())), Undecodable)
        assert isinstance(decoder.decode(jpeg(textured())), np.ndarray)
        assert decoder.deaths == 1


def test_a_child_that_hangs_is_replaced() -> None:
    with Decoder(timeout_s=0.3) as decoder:
        assert isinstance(decoder.decode(jpeg(textured())), np.ndarray)
        os.kill(decoder.child, signal.SIGSTOP)
        assert isinstance(decoder.decode(jpeg(textured())), Undecodable)
        assert decoder.deaths == 1


def test_a_closed_decoder_leaves_no_process() -> None:
    with Decoder() as decoder:
        decoder.decode(jpeg(textured()))
        child = decoder.child
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_mutated_images_never_hurt(decoder: Decoder, data: st.DataObject) -> None:
    image = bytearray(jpeg(textured(3, shape=(96, 128))))
    for _ in range(data.draw(st.integers(1, 6))):
        image[data.draw(st.integers(0, len(image) - 1))] = data.draw(st.integers(0, 255))
    result = decoder.decode(bytes(image))
    assert isinstance(result, Undecodable | np.ndarray)
    assert decoder.deaths == 0
