"""Scores of single drawn pictures: what each check answers, and that it stays within 0..1 whatever it is shown."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from bench.kitchen import Segment, Sequence, draw_sequence
from processors.frames.engine import Scene
from processors.frames.vision import CHECKS, black, covered, frozen, look
from processors.frames.vision.decode import Decoder
from processors.frames.vision.image import Grey, learn, measure


def noisy(level: float, sigma: float, seed: int = 1, shape: tuple[int, int] = (90, 160)) -> Grey:
    chance = np.random.default_rng(seed)
    return np.clip(chance.normal(level, sigma, shape), 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def kitchen() -> list[Grey]:
    with Decoder() as decoder:
        drawn = [decoder.decode(jpeg) for jpeg in draw_sequence(Sequence(segments=[Segment(12)], seed=7))]
    return [grey for grey in drawn if isinstance(grey, np.ndarray)]


@pytest.fixture(scope="module")
def scene(kitchen: list[Grey]) -> Scene:
    learnt: Scene | None = None
    for grey in kitchen:
        learnt = learn(learnt, measure(grey), bad=False)
    assert learnt is not None
    return learnt


def test_black_is_dark_and_even() -> None:
    assert black.score(measure(noisy(5, 2))) > 0.8
    assert black.score(measure(noisy(16, 1))) > black.CHECK.limit
    assert black.score(measure(noisy(45, 12))) < 0.2


def test_bright_lettering_does_not_hide_black() -> None:
    picture = noisy(5, 2)
    picture[84:88, 5:60] = 255
    assert black.score(measure(picture)) > 0.8


def test_an_even_change_of_light_leaves_the_view(kitchen: list[Grey], scene: Scene) -> None:
    for gain in (0.3, 0.5, 0.8, 1.2):
        lit = np.clip(kitchen[-1] * gain, 0, 255).astype(np.uint8)
        assert covered.score(measure(lit), scene) < 0.3


def test_covering_half_of_the_view_loses_half_of_it(kitchen: list[Grey], scene: Scene) -> None:
    half = kitchen[-1].copy()
    half[:, :80] = noisy(90, 1, shape=(90, 80))
    assert 0.3 < covered.score(measure(half), scene) < covered.CHECK.limit


def test_a_black_picture_is_not_called_covered_too(scene: Scene) -> None:
    assert covered.score(measure(noisy(4, 1)), scene) == 0.0


def test_a_plain_picture_is_covered_without_a_learnt_view() -> None:
    assert covered.score(measure(noisy(120, 1)), None) >= covered.CHECK.limit


def test_a_view_is_not_covered_without_a_learnt_view(kitchen: list[Grey]) -> None:
    assert covered.score(measure(kitchen[0]), None) == 0.0


def test_a_cover_is_never_learnt_and_a_turned_camera_is(kitchen: list[Grey], scene: Scene) -> None:
    cloth, turned = measure(noisy(120, 1)), measure(kitchen[0][::-1, ::-1].copy())
    assert learn(scene, cloth, bad=True).edges == scene.edges
    learnt = scene
    for _ in range(400):
        learnt = learn(learnt, turned, bad=covered.score(turned, learnt) >= covered.CHECK.limit)
    assert covered.score(turned, scene) >= covered.CHECK.limit
    assert covered.score(turned, learnt) < covered.CHECK.limit


def test_the_same_picture_again_is_frozen_and_one_grey_level_of_noise_is_not(kitchen: list[Grey]) -> None:
    _, before = look(kitchen[0], None)
    assert frozen.score(measure(kitchen[0]), before) == 1.0
    noise = np.random.default_rng(3).integers(0, 2, kitchen[0].shape, dtype=np.uint8)
    assert frozen.score(measure(kitchen[0] + noise), before) < 0.1


def test_the_first_picture_and_a_plain_one_cannot_be_frozen(kitchen: list[Grey]) -> None:
    assert frozen.score(measure(kitchen[0]), None) == 0.0
    plain = np.full((90, 160), 200, np.uint8)
    _, before = look(plain, None)
    assert frozen.score(measure(plain), before) == 0.0


def test_another_size_of_picture_is_another_scene(kitchen: list[Grey], scene: Scene) -> None:
    cropped = measure(kitchen[0][:60].copy())
    assert learn(scene, cropped, bad=False).frames == 1


grey_images = arrays.arrays(
    np.uint8, st.tuples(st.integers(4, 60), st.integers(4, 60)), elements=st.integers(0, 255)
)


@given(st.lists(grey_images, min_size=1, max_size=4))
def test_scores_are_finite_and_within_0_and_1_for_any_pictures(images: list[Grey]) -> None:
    learnt: Scene | None = None
    for image in images:
        scores, learnt = look(image, learnt)
        assert set(scores) == set(CHECKS)
        assert all(0.0 <= value <= 1.0 for value in scores.values())


def test_measuring_is_the_same_to_the_last_bit_wherever_the_picture_lies_in_memory(
    kitchen: list[Grey],
) -> None:
    picture = measure(kitchen[0])
    for offset in range(64):
        room = np.empty(kitchen[0].size + 64, np.uint8)
        moved = room[offset : offset + kitchen[0].size].reshape(kitchen[0].shape)
        moved[:] = kitchen[0]
        again = measure(moved)
        for name in ("edges", "luma", "fine", "coarse", "blocks"):
            assert np.array_equal(getattr(again, name), getattr(picture, name)), name
        assert (again.level, again.noise) == (picture.level, picture.noise)
