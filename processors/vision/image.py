"""What the checks share: one picture measured once, and the camera's usual scene that it is held against.

Everything is measured on a reduced grey picture at most 160 pixels wide, so a 1080p frame costs no more than a small
one and the thresholds hold for every camera. Edges are pooled to a grid of 48 x 27 cells whatever the format.
"""

import os
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", "20000000")  # before cv2 is imported, for whoever decodes

import cv2
import numpy as np
from numpy.typing import NDArray

from processors.frames_engine import Scene
from schemas.finding import Severity

Grey = NDArray[np.uint8]
Cells = NDArray[np.float32]

WIDTH: Final = 160
COLUMNS: Final = 48
ROWS: Final = 27
BLOCK_COLUMNS: Final = 16
BLOCK_ROWS: Final = 9
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
    fine: mean squared Laplacian without its noise.  coarse: mean squared gradient after a blur.   noise: luma sigma.
    blocks: BLOCK_ROWS x BLOCK_COLUMNS CRC-32 of the decoded pixels, FLAT where there is no texture.
    """

    width: int
    height: int
    level: float
    spread: float
    concentration: float
    edges: Cells
    fine: float
    coarse: float
    noise: float
    blocks: NDArray[np.uint32]

    @property
    def sharpness(self) -> float:
        """Fine against coarse detail: falls with defocus, stays when the light changes evenly."""
        return self.fine / (self.coarse + 0.05)


def measure(grey: Grey) -> Picture:
    """Measures one decoded grey image (uint8, any size of at least 4 x 4)."""
    small = _reduced(grey)
    luma = small.astype(np.float32)
    dark, bright = np.percentile(small, (5, 95))
    fine, noise = _fine_detail(luma)
    return Picture(
        width=grey.shape[1],
        height=grey.shape[0],
        level=float(luma[luma <= bright].mean()),
        spread=float(bright - dark),
        concentration=_concentration(small),
        edges=cv2.resize(_gradient(luma), (COLUMNS, ROWS), interpolation=cv2.INTER_AREA),
        fine=fine,
        coarse=float(np.square(_gradient(cv2.GaussianBlur(luma, (0, 0), 2))).mean()),
        noise=noise,
        blocks=_blocks(grey),
    )


def _reduced(grey: Grey) -> Grey:
    height, width = grey.shape
    if width <= WIDTH:
        return grey
    return np.asarray(
        cv2.resize(grey, (WIDTH, max(4, round(height * WIDTH / width))), interpolation=cv2.INTER_AREA),
        np.uint8,
    )


def _gradient(luma: Cells) -> Cells:
    across = cv2.Sobel(luma, cv2.CV_32F, 1, 0, scale=0.125)
    down = cv2.Sobel(luma, cv2.CV_32F, 0, 1, scale=0.125)
    return np.asarray(cv2.magnitude(across, down), np.float32)


def _fine_detail(luma: Cells) -> tuple[float, float]:
    """(mean squared Laplacian less what noise alone would give, sigma of the noise)."""
    laplacian = cv2.Laplacian(luma, cv2.CV_32F)
    of_noise = float(np.median(np.abs(laplacian))) / 0.6745
    return max(0.0, float(np.square(laplacian).mean()) - of_noise**2), of_noise / 20**0.5


def _concentration(small: Grey) -> float:
    counts = np.bincount(small.ravel(), minlength=256)
    sums = np.concatenate(([0], np.cumsum(counts)))
    return float((sums[WINDOW:] - sums[:-WINDOW]).max() / small.size)


def _blocks(grey: Grey) -> NDArray[np.uint32]:
    """CRC-32 of each block at the decoder's own resolution, where equality means equality."""
    rows = np.array_split(np.arange(grey.shape[0]), BLOCK_ROWS)
    columns = np.array_split(np.arange(grey.shape[1]), BLOCK_COLUMNS)
    return np.array(
        [_block(grey[r[0] : r[-1] + 1, c[0] : c[-1] + 1]) for r in rows for c in columns], np.uint32
    )


def _block(pixels: Grey) -> int:
    if int(pixels.max()) - int(pixels.min()) <= 1:
        return FLAT
    return zlib.crc32(pixels.tobytes()) or 1


def normalised(edges: Cells) -> Cells:
    """Edges against their own mean, so that an even change of light changes nothing; at most 8."""
    return np.asarray(np.minimum(edges / (float(edges.mean()) + 1e-3), 8.0), np.float32)


def usual_edges(scene: Scene) -> Cells:
    """The scene's edges as `normalised` gives them."""
    cells = np.frombuffer(scene.edges, "<u2").reshape(ROWS, COLUMNS)
    return np.asarray(cells / 4096, np.float32)


def learn(scene: Scene | None, picture: Picture, bad: bool) -> Scene:
    """The camera's scene after this picture. A bad one teaches only when it has the detail of a real view."""
    blocks = picture.blocks.astype("<u4").tobytes()
    if scene is None or (scene.width, scene.height) != (picture.width, picture.height):
        scene = Scene(width=picture.width, height=picture.height)
    rate = _rate(scene, picture, bad)
    if rate == 0.0:
        return Scene(
            scene.width, scene.height, scene.frames, scene.edges, scene.sharpness, scene.detail, blocks
        )
    now = normalised(picture.edges)
    edges = now if scene.frames == 0 else usual_edges(scene) + rate * (now - usual_edges(scene))
    return Scene(
        width=scene.width,
        height=scene.height,
        frames=scene.frames + 1,
        edges=np.round(edges * 4096).astype("<u2").tobytes(),
        sharpness=scene.sharpness + rate * (picture.sharpness - scene.sharpness),
        detail=scene.detail + rate * (picture.fine - scene.detail),
        blocks=blocks,
    )


def _rate(scene: Scene, picture: Picture, bad: bool) -> float:
    if not bad:
        return max(1.0 / (scene.frames + 1), LEARN)
    is_view = (
        scene.frames > 0 and picture.fine >= 0.6 * scene.detail and picture.sharpness >= 0.6 * scene.sharpness
    )
    return LEARN_STRANGE if is_view else 0.0


@dataclass(frozen=True)
class Check:
    """A camera check. `score(picture, scene)` is 0..1, higher is worse; bad from `limit` on, for `hold_us` at least.

    scene is what was learnt before this picture, None for a camera's first. explain: one sentence in zh and en.
    """

    name: str
    rule: str
    severity: Severity
    limit: float
    hold_us: int
    explain: Mapping[str, str]
    score: Callable[[Picture, Scene | None], float]
