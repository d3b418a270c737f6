"""One file per camera check; CHECKS is their table. Imported by the frames worker alone.

A check is a pure score of one measured picture against the camera's usual scene; when a score becomes a finding is
for `processors.frames_engine` to say. A new one: its file, its line here, its folder in tests/cases/vision, its row
in the docs.
"""

from typing import Final

from processors.vision import black, covered, frozen
from processors.vision.image import Check

__all__ = ["CHECKS", "Check"]

CHECKS: Final[dict[str, Check]] = {check.name: check for check in (black.CHECK, covered.CHECK, frozen.CHECK)}
