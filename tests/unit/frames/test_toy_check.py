"""A camera check registered from here alone, from a frame to its fault, its finding and its row."""

import numpy as np

from processors.frames.engine import Scene
from processors.frames.handler import FramesWorker
from processors.frames.images import MemoryImages
from processors.frames.memory import MemoryFrames
from processors.frames.store import Camera
from processors.frames.vision import CHECKS, Check
from processors.frames.vision.image import Grey, Picture
from processors.worker.work import Place, Record
from schemas.finding import Change, Severity
from schemas.frame import FrameReference, encode_frame

PLACE = Place("frames", 0)
START_US = 1_780_000_000_000_000


def score(picture: Picture, scene: Scene | None) -> float:
    """A wall of one middle grey."""
    return 1.0 if 100 < picture.level < 140 and picture.spread < 5 else 0.0


TOY_CHECK = Check(
    name="toy_grey", rule="camera_toy_grey", severity=Severity.BLUE, limit=0.5, hold_us=0, blind=True, score=score,
    explain={"zh": "玩具：一片灰。", "en": "A toy: all grey."},
)  # fmt: skip


class Painter:
    """Decodes the bytes `grey` and `light` to what they say."""

    def decode(self, data: bytes) -> Grey:
        picture = np.full((120, 160), 120 if data == b"grey" else 200, dtype=np.uint8)
        picture[::7, ::5] = 120 if data == b"grey" else 30
        return picture


def test_a_check_from_here_is_scored_told_and_closed() -> None:
    store, images = MemoryFrames({"cam": Camera("canteen", 2_000_000)}), MemoryImages()
    worker = FramesWorker(store, images, Painter(), 1000.0, {**CHECKS, TOY_CHECK.name: TOY_CHECK})
    worker.claim({PLACE: 0}, {"frames": "id"})
    for number, what in enumerate([b"light", b"grey", b"grey", b"light", b"light"]):
        at_us = START_US + number * 2_000_000
        frame = FrameReference(
            camera="cam", at_us=at_us, seq=number, received_us=at_us, sha256=images.put(what), size_bytes=4,
            width=160, height=120,
        )  # fmt: skip
        worker.handle([Record(PLACE, number, encode_frame(frame), {}, at_us)])
    found = sorted(
        (f for f in store.books.findings.values() if f.rule == TOY_CHECK.rule), key=lambda f: f.version
    )
    assert [(f.change, f.severity) for f in found] == [
        (Change.OPENED, Severity.BLUE), (Change.CLOSED, Severity.BLUE),
    ]  # fmt: skip
    assert found[0].start_us == START_US + 2_000_000
    assert TOY_CHECK.name not in CHECKS
