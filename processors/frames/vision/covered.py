"""The usual view is gone: something is before the lens, or the lens is out of focus.

Three signs, each by tile and against what the camera usually shows. *Lost edges*: the pattern of edges no longer
resembles the usual one; correlation does not care for an even change of light, so day, night and infra-red look alike.
*Lost sharpness*: fine detail falls while coarse contrast stays. *Faded*: fine detail goes while the light stays.
A camera without a learnt view is called covered only when it shows next to nothing.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from processors.frames.engine import Scene
from processors.frames.vision import black
from processors.frames.vision.image import (
    COLUMNS,
    ROWS,
    TILE_COLUMNS,
    TILE_ROWS,
    Cells,
    Check,
    Picture,
    by_tile,
    normalised,
    usual_edges,
)
from schemas.finding import Severity

LEARNT_FRAMES: Final = 3
STRUCTURED: Final = 0.25
"""Standard deviation of the usual edges in a tile, below which the tile has no pattern that could be lost."""
LIKENESS: Final = (0.5, 0.2)
"""Correlation of a tile's edges with the usual ones: from the first on they are there, at the second they are lost."""
SHARPNESS: Final = (0.45, 0.2)
DETAIL: Final = (0.12, 0.04)
"""Likewise the share of a tile's usual sharpness, of its usual detail."""
VISIBLE: Final = 4.0
"""How many times the power of noise the fine detail would have, were the picture good, that it can be missed."""
FEATURELESS: Final = 0.95


def score(picture: Picture, scene: Scene | None = None) -> float:
    """Share of the usual view that is lost, 0..1; tiles count by their pattern of edges. 0 for a black picture."""
    if black.score(picture) >= black.CHECK.limit:
        return 0.0
    if scene is None or scene.frames < LEARNT_FRAMES:
        return featureless(picture)
    weight = _tiles(usual_edges(scene)).std(axis=1)
    weight[weight < STRUCTURED] = 0.0
    if weight.sum() == 0.0:
        return featureless(picture)
    lost = np.maximum.reduce(
        [lost_edges(picture, scene), lost_sharpness(picture, scene), faded(picture, scene)]
    )
    return float((lost * weight).sum() / weight.sum())


def featureless(picture: Picture) -> float:
    """1 for a picture of one tone and no edge, without knowing what the camera should show."""
    edges = float(np.percentile(picture.edges, 90))
    return picture.concentration if picture.concentration >= FEATURELESS and edges < 1.0 else 0.0


def lost_edges(picture: Picture, scene: Scene) -> Cells:
    """By tile, 0..1: the usual edges are no longer where they were."""
    return _lost(_correlation(_tiles(usual_edges(scene)), _tiles(normalised(picture.edges))), LIKENESS)


def lost_sharpness(picture: Picture, scene: Scene) -> Cells:
    """By tile, 0..1: fine against coarse detail has fallen; 0 where noise would hide the detail anyway."""
    usual = by_tile(scene.sharpness)
    blurred = _lost(picture.sharpness / (usual + 1e-6), SHARPNESS)
    return np.where(_visible(usual * picture.coarse, picture), blurred, 0.0).astype(np.float32)


def faded(picture: Picture, scene: Scene) -> Cells:
    """By tile, 0..1: fine detail has gone although there is light; 0 where noise would hide the detail anyway."""
    usual = by_tile(scene.detail)
    gone = _lost(picture.detail / (usual + 1e-9), DETAIL)
    return np.where(_visible(usual * np.square(picture.luma + 8.0), picture), gone, 0.0).astype(np.float32)


def _visible(expected: Cells, picture: Picture) -> NDArray[np.bool_]:
    return np.asarray(expected > VISIBLE * 20 * (picture.noise**2 + 0.05))


def _lost(now: Cells, between: tuple[float, float]) -> Cells:
    there, lost = between
    return np.asarray(np.clip((there - now) / (there - lost), 0.0, 1.0), np.float32)


def _tiles(cells: Cells) -> Cells:
    high, wide = ROWS // TILE_ROWS, COLUMNS // TILE_COLUMNS
    return cells.reshape(TILE_ROWS, high, TILE_COLUMNS, wide).swapaxes(1, 2).reshape(-1, high * wide)


def _correlation(usual: Cells, now: Cells) -> Cells:
    usual = usual - usual.mean(axis=1, keepdims=True)
    now = now - now.mean(axis=1, keepdims=True)
    scale = np.sqrt(np.square(usual).sum(axis=1) * np.square(now).sum(axis=1))
    return np.asarray((usual * now).sum(axis=1) / (scale + 1e-6), np.float32)


CHECK: Final = Check(
    name="covered",
    rule="camera_covered",
    severity=Severity.ORANGE,
    limit=0.65,
    hold_us=0,
    explain={
        "zh": "镜头被遮挡、失焦或被转向：看不到原来的画面。请清除遮挡并重新对焦。",
        "en": "The camera is covered, out of focus or turned away: clear the lens and focus it.",
    },
    blind=True,
    score=score,
)
