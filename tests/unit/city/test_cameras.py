"""Drawn frames look like pictures of a camera: sharp, alive, and neither when something hangs over the lens."""

import hashlib
from datetime import UTC, datetime

import cv2
import numpy as np
import pytest

from city import cameras, feeds, plan
from city.faults import Kind
from processors.frames.engine import CameraState, faults, step
from processors.frames.vision import CHECKS
from processors.frames.vision.image import learn, measure
from schemas.finding import Change, Finding
from schemas.frame import FrameReference


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


@pytest.mark.parametrize("seed", [7, 11])
def test_the_camera_checks_find_the_scripted_faults_and_nothing_else(seed: int) -> None:
    """The frames of a script through the real checks: the drawn city is alive in their eyes."""
    start = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
    city = plan.build(seed)
    name = feeds.name_of(start)
    run = feeds.Run(city, plan.Schedule(city, name), start, name)
    expected = {
        (f.subject, f.rule)
        for f in run.schedule.begun(60)
        if f.kind in (Kind.CAMERA_COVERED, Kind.CAMERA_FROZEN)
    }
    cameras_feeds = [f for f in feeds.feeds_of(run) if isinstance(f, feeds.CameraFeed)]
    findings = [finding for feed in cameras_feeds for finding in judged(feed, 46.0)]
    assert {(f.subject, f.rule) for f in findings} == expected
    assert [f.change for f in findings].count(Change.CLOSED) == len(expected)


def judged(feed: feeds.CameraFeed, seconds: float) -> list[Finding]:
    """The findings of a camera's frames, sent at their times."""
    state, findings, second = CameraState(), [], feed.first_s
    while second < seconds:
        message = feed.message(second)
        assert message is not None
        image = cv2.imdecode(np.frombuffer(message.payload, np.uint8), cv2.IMREAD_REDUCED_GRAYSCALE_4)
        assert image is not None
        picture = measure(image)
        scores = {name: check.score(picture, state.scene) for name, check in CHECKS.items()}
        at_us, seq = int(message.topic.split("/")[-2]) * 1000, int(message.topic.split("/")[-1])
        frame = FrameReference(
            camera=feed.device.id,
            at_us=at_us,
            seq=seq,
            received_us=at_us,
            sha256=hashlib.sha256(message.payload).hexdigest(),
            size_bytes=len(message.payload),
            width=cameras.WIDTH,
            height=cameras.HEIGHT,
        )
        scene = learn(state.scene, picture, bool(faults(CHECKS.values(), scores)))
        state, found = step(state, CHECKS.values(), scores, frame, scene)
        findings += found
        second += feed.interval_s
    return findings
