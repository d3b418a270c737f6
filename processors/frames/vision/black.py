"""No light reaches the picture: lens cap, power, a dead sensor. Mean luma and spread, bright lettering left out."""

from typing import Final

from processors.frames.engine import Scene
from processors.frames.vision.image import Check, Picture
from schemas.finding import Severity

FULL: Final = 64.0
"""Grey levels of mean + spread at which the score is 0; the limit lies at half of it."""


def score(picture: Picture, scene: Scene | None = None) -> float:
    """1 for nothing but black, 0.5 at mean + spread = 32 grey levels, 0 from 64 on."""
    return max(0.0, 1.0 - (picture.level + picture.spread) / FULL)


CHECK: Final = Check(
    name="black",
    rule="camera_black",
    severity=Severity.ORANGE,
    limit=0.5,
    hold_us=0,
    explain={
        "zh": "画面全黑：请检查摄像头供电、镜头盖和现场照明。",
        "en": "The picture is black: check the camera's power, the lens cap and the light on site.",
    },
    blind=True,
    score=score,
)
