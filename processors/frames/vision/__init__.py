"""One file per camera check; CHECKS is their table. Imported by the frames worker alone.

A check is a pure score of one measured picture against the camera's usual scene; when a score becomes a finding is
for `processors.frames.engine` to say. A new one: its file, its line here, its folder in tests/cases/vision, its row
in the docs.
"""

from typing import Final

from processors.frames.engine import Scene, faults
from processors.frames.vision import black, covered, frozen
from processors.frames.vision.image import Check, Grey, learn, measure

__all__ = ["CHECKS", "Check", "look"]

CHECKS: Final[dict[str, Check]] = {check.name: check for check in (black.CHECK, covered.CHECK, frozen.CHECK)}
BLIND: Final = frozenset({black.CHECK.name, covered.CHECK.name})
"""Checks whose failure means that the picture does not show the scene, so that nothing is learnt from it."""


def look(grey: Grey, scene: Scene | None) -> tuple[dict[str, float], Scene]:
    """(score by check, rounded to 4 places; the scene with this picture) of one grey image. Pure."""
    picture = measure(grey)
    scores = {check.name: round(check.score(picture, scene), 4) for check in CHECKS.values()}
    return scores, learn(scene, picture, bad=not BLIND.isdisjoint(faults(CHECKS.values(), scores)))
