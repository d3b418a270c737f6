"""Drawn frames look like pictures of a camera: sharp, alive, and neither when something hangs over the lens."""

import cv2
import numpy as np
import pytest

from coldwatch.city import cameras


def grey(scene: str, second: float, covered: bool = False) -> np.ndarray:  # type: ignore[type-arg]
    jpeg = cameras.draw(scene, 7, second, "CAM 2026-11-23 18:00:00", covered)
    image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert image is not None
    return image


@pytest.mark.parametrize("scene", ["kitchen", "store"])
def test_a_frame_is_a_jpeg_of_moderate_size_with_light_and_edges(scene: str) -> None:
    image = grey(scene, 3.0)
    assert image.shape == (cameras.HEIGHT, cameras.WIDTH)
    assert 60 < image.mean() < 220
    assert image.std() > 25
    assert len(cameras.draw(scene, 7, 3.0, "CAM")) < 100_000


@pytest.mark.parametrize("scene", ["kitchen", "store"])
def test_the_same_second_is_the_same_bytes_and_the_next_one_is_not(scene: str) -> None:
    assert cameras.draw(scene, 7, 3.0, "CAM") == cameras.draw(scene, 7, 3.0, "CAM")
    moved = np.abs(grey(scene, 3.0).astype(int) - grey(scene, 5.0).astype(int))
    assert moved.mean() > 1.0
    assert moved.max() > 60


@pytest.mark.parametrize("scene", ["kitchen", "store"])
def test_a_covered_lens_shows_few_edges_and_is_not_black(scene: str) -> None:
    covered, free = grey(scene, 3.0, covered=True), grey(scene, 3.0)
    assert covered.mean() > 40
    views = [cv2.resize(i[:320], (160, 80), interpolation=cv2.INTER_AREA) for i in (covered, free)]
    edges = [float(np.abs(cv2.Laplacian(view, cv2.CV_64F)).mean()) for view in views]
    assert edges[0] < edges[1] / 4
