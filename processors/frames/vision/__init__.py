"""One file per camera check; CHECKS is their table. Imported by the frames worker alone.

A check is a pure score of one measured picture against the camera's usual scene; when a score becomes a finding is
for `processors.frames.engine` to say. A new one: its file, its line here, its folder in tests/cases/vision, its row
in the docs.
"""

from collections.abc import Mapping
from typing import Final

from processors.frames.engine import Scene, faults
from processors.frames.vision import black, covered, frozen
from processors.frames.vision.image import Check, Grey, learn, measure

__all__ = ["CHECKS", "Check", "look"]

CHECKS: Final[dict[str, Check]] = {check.name: check for check in (black.CHECK, covered.CHECK, frozen.CHECK)}


def look(
    grey: Grey, scene: Scene | None, checks: Mapping[str, Check] = CHECKS
) -> tuple[dict[str, float], Scene]:
    """(score by check, rounded to 4 places; the scene with this picture) of one grey image. Pure."""
    picture = measure(grey)
    scores = {check.name: round(check.score(picture, scene), 4) for check in checks.values()}
    return scores, learn(
        scene, picture, bad=any(checks[name].blind for name in faults(checks.values(), scores))
    )
