"""The picture stands still while time goes on: the stream repeats an old image.

A sensor's noise changes every picture of the stillest room, so blocks that are equal to the last pixel are copies.
Compared are blocks with texture only: black or blown-out areas have no noise. A clock burnt into the picture changes
its own blocks alone.
"""

from typing import Final

import numpy as np

from processors.frames.engine import Scene
from processors.frames.vision.image import FLAT, Check, Picture
from schemas.finding import Severity

ENOUGH: Final = 0.1
"""Share of the blocks that must have texture, before and now, for a judgement."""


def score(picture: Picture, scene: Scene | None = None) -> float:
    """Share of the textured blocks that are identical to those of the picture before, 0..1."""
    if scene is None or not scene.blocks:
        return 0.0
    before = np.frombuffer(scene.blocks, "<u4")
    textured = (picture.blocks != FLAT) | (before != FLAT)
    if textured.mean() < ENOUGH:
        return 0.0
    return float((picture.blocks == before)[textured].mean())


CHECK: Final = Check(
    name="frozen",
    rule="camera_frozen",
    severity=Severity.ORANGE,
    limit=0.9,
    hold_us=1_500_000,
    explain={
        "zh": "画面静止：时间在走，图像一直不变。请重启摄像头或检查视频源。",
        "en": "The picture is frozen while time goes on: restart the camera or check its source.",
    },
    blind=False,
    score=score,
)
