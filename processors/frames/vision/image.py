"""What the checks share: one picture measured once, and the camera's usual scene that it is held against.

Everything is measured on a reduced grey picture at most 160 pixels wide, so a 1080p frame costs no more than a small
one and the thresholds hold for every camera. Edges are pooled to a grid of cells whatever the format; a tile of
cells is what can be lost.
"""

import os
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", "20000000")  # before cv2 is imported, for whoever decodes

import cv2
import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from processors.frames.engine import Scene
from schemas.finding import Severity

cv2.setNumThreads(1)  # the pictures are small: a second thread costs more than it gives

Grey = NDArray[np.uint8]
Cells = NDArray[np.float32]

WIDTH: Final = 160
COLUMNS, ROWS = 48, 27
TILE_COLUMNS, TILE_ROWS = 6, 3
BLOCK_COLUMNS, BLOCK_ROWS = 16, 9
WINDOW: Final = 32
"""Grey levels in which a featureless view is concentrated."""
LEARN: Final = 0.02
LEARN_STRANGE: Final = 0.005
"""A sharp view that is not the usual one (the camera was turned) becomes the usual one after some hundred frames."""
FLAT: Final = 0
"""Stands for a block without texture: the same block twice says nothing about the camera."""


@dataclass(frozen=True)
class Picture:
    """One picture in numbers.

    width, height: of the decoded grey image.   level: mean luma of the darkest 95 %.   spread: p95 - p5 of luma.
    concentration: largest share of pixels within WINDOW grey levels, 0..1.
    edges: gradient magnitude pooled to ROWS x COLUMNS.
    luma, fine, coarse: by tile, row by row: mean luma, mean squared Laplacian less that of noise alone, mean squared
    gradient after a blur.   noise: sigma of luma.
    blocks: BLOCK_ROWS x BLOCK_COLUMNS CRC-32 of the decoded pixels, FLAT where there is no texture.
    """

    width: int
    height: int
    level: float
    spread: float
    concentration: float
    edges: Cells
    luma: Cells
    fine: Cells
    coarse: Cells
    noise: float
    blocks: NDArray[np.uint32]

    @property
    def sharpness(self) -> Cells:
        """Fine against coarse detail by tile: falls with defocus, stays when the light changes."""
        return np.asarray(self.fine / (self.coarse + 0.05), np.float32)

    @property
    def detail(self) -> Cells:
        """Fine detail against light by tile: falls behind steam and grease, stays when the light changes evenly."""
        return np.asarray(self.fine / np.square(self.luma + 8.0), np.float32)


@dataclass(frozen=True)
class Check:
    """A camera check. `score(picture, scene)` is 0..1, higher is worse; bad from `limit` on, for `hold_us` at least.

    scene is what was learnt before this picture, None for a camera's first. explain: one sentence in zh and en.
    blind: what it finds hides the scene, so that nothing is learnt from such a picture.
    """

    name: str
    rule: str
    severity: Severity
    limit: float
    hold_us: int
    explain: Mapping[str, str]
    blind: bool
    score: Callable[[Picture, Scene | None], float]


def measure(grey: Grey) -> Picture:
    """Measures one decoded grey image (uint8, any size of at least 4 x 4)."""
    small = _reduced(grey)
    luma = small.astype(np.float32)
    dark, bright = np.percentile(small, (5, 95))
    squared, noise = _fine_detail(luma)
    return Picture(
        width=grey.shape[1],
        height=grey.shape[0],
        level=float(luma[luma <= bright].mean()),
        spread=float(bright - dark),
        concentration=_concentration(small),
        edges=_pooled(_gradient(luma), COLUMNS, ROWS),
        luma=_by_tile(luma),
        fine=np.maximum(_by_tile(squared) - 20 * noise**2, 0.0),
        coarse=_by_tile(np.square(_gradient(cv2.GaussianBlur(luma, (0, 0), 2)))),
        noise=noise,
        blocks=_blocks(grey),
    )


def _reduced(grey: Grey) -> Grey:
    height, width = grey.shape
    if width <= WIDTH:
        return grey
    size = (WIDTH, max(4, round(height * WIDTH / width)))
    return np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.uint8)


def _pooled(pixels: Cells, columns: int, rows: int) -> Cells:
    return np.asarray(cv2.resize(pixels, (columns, rows), interpolation=cv2.INTER_AREA), np.float32)


def _by_tile(pixels: Cells) -> Cells:
    return _pooled(pixels, TILE_COLUMNS, TILE_ROWS).ravel()


def _gradient(luma: Cells) -> Cells:
    """By numpy's square root: cv2.magnitude rounds differently with the array's place in memory."""
    across = np.asarray(cv2.Sobel(luma, cv2.CV_32F, 1, 0, scale=0.125), np.float32)
    down = np.asarray(cv2.Sobel(luma, cv2.CV_32F, 0, 1, scale=0.125), np.float32)
    return np.asarray(np.sqrt(np.square(across) + np.square(down)), np.float32)


def _fine_detail(luma: Cells) -> tuple[Cells, float]:
    """(the squared Laplacian, sigma of the noise): edges are few, so the Laplacian's median is that of noise."""
    laplacian = np.asarray(cv2.Laplacian(luma, cv2.CV_32F), np.float32)
    return np.square(laplacian), float(np.median(np.abs(laplacian))) / 0.6745 / 20**0.5


def _concentration(small: Grey) -> float:
    counts = np.bincount(small.ravel(), minlength=256)
    sums = np.concatenate(([0], np.cumsum(counts)))
    return float((sums[WINDOW:] - sums[:-WINDOW]).max() / small.size)


def _blocks(grey: Grey) -> NDArray[np.uint32]:
    """CRC-32 of each block at the decoder's own resolution, where equality means equality."""
    rows = np.linspace(0, grey.shape[0], BLOCK_ROWS + 1).astype(int)
    columns = np.linspace(0, grey.shape[1], BLOCK_COLUMNS + 1).astype(int)
    return np.array(
        [
            _block(grey[top:bottom, left:right])
            for top, bottom in pairwise(rows)
            for left, right in pairwise(columns)
        ],
        np.uint32,
    )


def _block(pixels: Grey) -> int:
    if pixels.size == 0 or int(pixels.max()) - int(pixels.min()) <= 1:
        return FLAT
    return zlib.crc32(pixels.tobytes()) or 1


def normalised(edges: Cells) -> Cells:
    """Edges against their own mean, so that an even change of light changes nothing; at most 8."""
    return np.asarray(np.minimum(edges / (float(edges.mean()) + 1e-3), 8.0), np.float32)


def usual_edges(scene: Scene) -> Cells:
    """The scene's edges as `normalised` gives them."""
    cells = np.frombuffer(scene.edges, "<u2").reshape(ROWS, COLUMNS)
    return np.asarray(cells / 4096, np.float32)


def by_tile(values: bytes) -> Cells:
    """What `Scene` stores by tile."""
    return np.frombuffer(values, "<f4")


def learn(scene: Scene | None, picture: Picture, bad: bool) -> Scene:
    """The camera's scene after this picture. A bad one teaches only when it has the detail of a real view."""
    blocks = picture.blocks.astype("<u4").tobytes()
    if scene is None or (scene.width, scene.height) != (picture.width, picture.height):
        scene = Scene(width=picture.width, height=picture.height)
    rate = _rate(scene, picture, bad)
    if rate == 0.0:
        return replace(scene, blocks=blocks)
    now = normalised(picture.edges)
    edges = now if scene.frames == 0 else usual_edges(scene) + rate * (now - usual_edges(scene))
    return replace(
        scene,
        frames=scene.frames + 1,
        edges=np.round(edges * 4096).astype("<u2").tobytes(),
        sharpness=_towards(scene.sharpness, picture.sharpness, rate),
        detail=_towards(scene.detail, picture.detail, rate),
        blocks=blocks,
    )


def _towards(usual: bytes, now: Cells, rate: float) -> bytes:
    moved = by_tile(usual) + rate * (now - by_tile(usual)) if usual else now
    return np.asarray(moved, "<f4").tobytes()


def _rate(scene: Scene, picture: Picture, bad: bool) -> float:
    if not bad:
        return max(1.0 / (scene.frames + 1), LEARN)
    if scene.frames == 0:
        return 0.0
    as_sharp = picture.sharpness.mean() >= 0.6 * by_tile(scene.sharpness).mean()
    as_rich = picture.detail.mean() >= 0.6 * by_tile(scene.detail).mean()
    return LEARN_STRANGE if as_sharp and as_rich else 0.0
