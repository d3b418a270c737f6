"""The size of a JPEG as its header says (ITU-T T.81, annex B). Pure; decodes nothing."""

from typing import Final

START: Final = b"\xff\xd8"
FRAME_HEADERS: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""SOF0..SOF15 without the three of that range that mean something else (DHT, JPG, DAC)."""
BARE: Final = frozenset({0x01, *range(0xD0, 0xD8)})
"""Markers without a length: TEM, RST0..RST7."""
SCAN, END = 0xDA, 0xD9


def size_of_jpeg(data: bytes) -> tuple[int, int] | None:
    """(width, height) in pixels; None when no frame header comes before the first scan, or the bytes are no JPEG.

    Walks the segments. Every step moves forward, so that any bytes end it.
    """
    at = 2
    while data.startswith(START) and at + 4 <= len(data):
        if data[at] != 0xFF:
            return None
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
        elif marker in BARE:
            at += 2
        elif marker in (SCAN, END):
            return None
        elif marker in FRAME_HEADERS:
            return _frame_header(data, at)
        else:
            at += 2 + max(2, int.from_bytes(data[at + 2 : at + 4], "big"))
    return None


def _frame_header(data: bytes, at: int) -> tuple[int, int] | None:
    if at + 9 > len(data):
        return None
    height = int.from_bytes(data[at + 5 : at + 7], "big")
    width = int.from_bytes(data[at + 7 : at + 9], "big")
    return width, height
