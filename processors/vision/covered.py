"""The usual view is gone: something is before the lens, or the lens is out of focus.

Two signs, each against what the camera usually shows. *Lost edges*: in each tile of the picture the pattern of
edges no longer resembles the usual one; correlation does not care for an even change of light, so day, night and
infra-red look alike. *Lost sharpness*: fine detail falls while coarse contrast stays. A camera without a learnt view
is called covered only when it shows next to nothing.
"""

from typing import Final

import numpy as np

from processors.frames_engine import Scene
from processors.vision import black
from processors.vision.image import COLUMNS, ROWS, Cells, Check, Picture, normalised, usual_edges
from schemas.finding import Severity

LEARNT_FRAMES: Final = 3
TILE_COLUMNS: Final = 8
TILE_ROWS: Final = 9
STRUCTURED: Final = 0.25
"""Standard deviation of the usual edges in a tile, below which the tile has no pattern that could be lost."""
LIKE: Final = 0.5
UNLIKE: Final = 0.2
"""Correlation of a tile with the usual one: from LIKE on it is there, at UNLIKE and below it is lost."""
FEATURELESS: Final = 0.95
VISIBLE: Final = 6.0
"""How many times the noise's power fine detail must have, were the picture sharp, to be missed."""


def score(picture: Picture, scene: Scene | None = None) -> float:
    """0..1: share of the usual view that is lost, or of its sharpness, whichever is worse. 0 for a black picture."""
    if black.score(picture) >= black.CHECK.limit:
        return 0.0
    if scene is None or scene.frames < LEARNT_FRAMES:
        return featureless(picture)
    return max(lost_edges(picture, scene), lost_sharpness(picture, scene))


def featureless(picture: Picture) -> float:
    """1 for a picture of one tone and no edge, without knowing what the camera should show."""
    edges = float(np.percentile(picture.edges, 90))
    return min(1.0, picture.concentration) if picture.concentration >= FEATURELESS and edges < 1.0 else 0.0


def lost_edges(picture: Picture, scene: Scene) -> float:
    """Share of the usual pattern of edges, tile by tile, that is no longer where it was."""
    usual = _tiles(usual_edges(scene))
    now = _tiles(normalised(picture.edges))
    weight = usual.std(axis=1)
    weight[weight < STRUCTURED] = 0.0
    if weight.sum() == 0.0:
        return 0.0
    lost = np.clip((LIKE - _correlation(usual, now)) / (LIKE - UNLIKE), 0.0, 1.0)
    return float((lost * weight).sum() / weight.sum())


def lost_sharpness(picture: Picture, scene: Scene) -> float:
    """How much of the usual ratio of fine to coarse detail is missing; 0 where noise would hide the detail anyway."""
    expected = scene.sharpness * picture.coarse
    if expected <= VISIBLE * 20 * picture.noise**2 or scene.sharpness == 0.0:
        return 0.0
    return max(0.0, 1.0 - picture.sharpness / scene.sharpness)


def _tiles(cells: Cells) -> Cells:
    grid = cells.reshape(ROWS // TILE_ROWS, TILE_ROWS, COLUMNS // TILE_COLUMNS, TILE_COLUMNS)
    return grid.swapaxes(1, 2).reshape(-1, TILE_ROWS * TILE_COLUMNS)


def _correlation(usual: Cells, now: Cells) -> Cells:
    usual = usual - usual.mean(axis=1, keepdims=True)
    now = now - now.mean(axis=1, keepdims=True)
    scale = np.sqrt(np.square(usual).sum(axis=1) * np.square(now).sum(axis=1))
    return np.asarray((usual * now).sum(axis=1) / (scale + 1e-6), np.float32)


CHECK: Final = Check(
    name="covered",
    rule="camera_covered",
    severity=Severity.ORANGE,
    limit=0.7,
    hold_us=0,
    explain={
        "zh": "镜头被遮挡、失焦或被转向:看不到原来的画面。请清除遮挡并重新对焦。",
        "en": "The camera is covered, out of focus or turned away: clear the lens and focus it.",
    },
    score=score,
)
