"""Kitchens drawn from a seed, and what happens to their cameras: sequences with known truth for checks and bench.

A sequence is data (`Sequence`), so that a case is a small JSON file. The pictures are made to be hard: textures, people
who come close, a noisy sensor, light that changes, strong compression, a clock burnt in.
"""

from collections.abc import Iterator
from typing import Final

import cv2
import msgspec
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Luma = NDArray[np.float32]

VIEW: Final = "view"
BLACK: Final = "black"
COVERS: Final = ("hand", "dark_cloth", "bright_cloth", "patterned_cloth", "spray", "defocus")
FREEZES: Final = ("frozen", "frozen_clock")


class Segment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`frames` pictures of one kind.

    what: VIEW, BLACK, one of COVERS or FREEZES.  light: gain of the whole picture.  infrared: grey, lamp in the middle.
    noise: sigma of the sensor in grey levels, None as in the sequence.  blur: sigma in pixels of a 640 wide picture.
    near: how much of the width somebody close to the camera takes.
    """

    frames: int
    what: str = VIEW
    light: float = 1.0
    infrared: bool = False
    noise: float | None = None
    blur: float = 6.0
    near: float = 0.0


class Sequence(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One camera's pictures. `expect`: [rule, first bad frame, first good frame or null] in order of start."""

    segments: list[Segment]
    expect: list[tuple[str, int, int | None]] = []
    note: str = ""
    seed: int = 1
    width: int = 640
    height: int = 360
    interval_ms: int = 2000
    noise: float = 3.0
    quality: int = 80
    people: int = 2
    texture: float = 6.0


def draw_sequence(sequence: Sequence) -> Iterator[bytes]:
    """The JPEGs of a sequence, the same at every call."""
    chance = np.random.default_rng(sequence.seed)
    room = _room(sequence, chance)
    number = 0
    last: Luma | None = None
    previous = b""
    for segment in sequence.segments:
        for _ in range(segment.frames):
            if segment.what == "frozen" and previous:
                jpeg = previous
            elif segment.what == "frozen_clock" and last is not None:
                jpeg = _encode(_clock(last, number), sequence.quality)
            else:
                last = _expose(_subject(room, sequence, segment, number), sequence, segment, chance)
                jpeg = _encode(_clock(last, number), sequence.quality)
            previous = jpeg
            yield jpeg
            number += 1


def _room(sequence: Sequence, chance: np.random.Generator) -> Luma:
    """The empty kitchen at the sequence's size: surfaces with texture, furniture, small things."""
    width, height = 640, 360
    image = np.full((height, width), chance.uniform(120, 200), np.float32)
    horizon = int(chance.uniform(140, 230))
    image[horizon:] = chance.uniform(70, 140)
    for x in range(0, width, int(chance.uniform(24, 60))):
        cv2.line(image, (x, 0), (x, horizon), chance.uniform(90, 190), 1)
    for x in range(-600, width + 600, int(chance.uniform(60, 120))):
        cv2.line(image, (320 + (x - 320) // 3, horizon), (x, height), chance.uniform(60, 120), 2)
    for _ in range(int(chance.uniform(12, 30))):
        _thing(image, chance, horizon)
    grain = cv2.GaussianBlur(chance.normal(0, 1, (height, width)).astype(np.float32), (0, 0), 1.5)
    image += sequence.texture * grain / float(grain.std())
    return np.asarray(
        cv2.resize(image, (sequence.width, sequence.height), interpolation=cv2.INTER_LINEAR), np.float32
    )


def _thing(image: Luma, chance: np.random.Generator, horizon: int) -> None:
    x, y = int(chance.uniform(0, 600)), int(chance.uniform(20, horizon + 90))
    w, h = int(chance.uniform(20, 120)), int(chance.uniform(15, 90))
    shade = float(chance.uniform(20, 240))
    if chance.random() < 0.3:
        cv2.ellipse(image, (x, y), (w // 2, h // 2), 0, 0, 360, shade, -1, cv2.LINE_AA)
    else:
        cv2.rectangle(image, (x, y), (x + w, y + h), shade, -1)
        cv2.rectangle(image, (x, y), (x + w, y + h), shade * 0.5, 2)
        if chance.random() < 0.5:
            cv2.line(image, (x, y + h // 2), (x + w, y + h // 2), 255 - shade, 2)


def _subject(room: Luma, sequence: Sequence, segment: Segment, number: int) -> Luma:
    """What is before the lens, in linear light of the normal day."""
    chance = np.random.default_rng((sequence.seed, number))
    match segment.what:
        case "black":
            return np.full_like(room, 4.0)
        case "hand":
            return _cloth(room, sequence.seed, 0.35, fold=0.15)
        case "dark_cloth":
            return _cloth(room, sequence.seed, 0.3, fold=0.1)
        case "bright_cloth":
            return _cloth(room, sequence.seed, 0.9, fold=0.06)
        case "patterned_cloth":
            return _pattern(room, sequence.seed)
        case "spray":
            return np.asarray(cv2.GaussianBlur(room, (0, 0), room.shape[1] / 12) * 0.5 + 70, np.float32)
        case "defocus":
            view = _people(room, sequence, segment, number, chance)
            return np.asarray(cv2.GaussianBlur(view, (0, 0), segment.blur * room.shape[1] / 640), np.float32)
        case _:
            return _people(room, sequence, segment, number, chance)


def _people(
    room: Luma, sequence: Sequence, segment: Segment, number: int, chance: np.random.Generator
) -> Luma:
    image = room.copy()
    height, width = room.shape
    for person in range(sequence.people):
        x = int(width * (0.5 + 0.4 * np.sin(number * 0.35 + 2.1 * person + sequence.seed)))
        _person(image, x, int(height * (0.55 + 0.12 * person)), height * 0.22, 230 - 60 * person)
    if segment.near:
        x = int(width * (0.3 + 0.4 * chance.random()))
        _person(image, x, height // 2, width * segment.near / 1.1, 190)
    return image


def _person(image: Luma, x: int, y: int, size: float, shade: float) -> None:
    body = (int(size * 0.55), int(size * 1.1))
    cv2.ellipse(image, (x, y + int(size)), body, 0, 0, 360, shade, -1, cv2.LINE_AA)
    cv2.ellipse(image, (x, y + int(size)), body, 0, 0, 360, shade * 0.6, 2, cv2.LINE_AA)
    cv2.circle(image, (x, y - int(size * 0.3)), int(size * 0.32), 165, -1, cv2.LINE_AA)
    cv2.line(image, (x, y + int(size * 0.2)), (x, y + int(size * 1.8)), shade * 0.7, 2)


def _cloth(room: Luma, seed: int, brightness: float, fold: float) -> Luma:
    height, width = room.shape
    x, y = np.meshgrid(np.linspace(0, 4, width), np.linspace(0, 3, height))
    folds = np.sin(x + seed) + np.cos(1.3 * y + 0.5 * x)
    return np.asarray(255 * brightness * (1 + fold * folds), np.float32)


def _pattern(room: Luma, seed: int) -> Luma:
    """A checked cloth so far from the lens that its weave is in focus."""
    height, width = room.shape
    x, y = np.meshgrid(np.arange(width) * 640 / width, np.arange(height) * 640 / width)
    checks = np.sign(np.sin(x * 0.13 + seed)) * np.sign(np.sin(y * 0.13))
    return np.asarray(cv2.GaussianBlur((120 + 60 * checks).astype(np.float32), (0, 0), 1), np.float32)


def _expose(light: Luma, sequence: Sequence, segment: Segment, chance: np.random.Generator) -> Luma:
    image = light * segment.light
    if segment.infrared:
        height, width = light.shape
        x, y = np.meshgrid(np.linspace(-1, 1, width), np.linspace(-1, 1, height))
        image = 20 + 0.6 * image * np.exp(-0.8 * (x**2 + y**2))
    sigma = sequence.noise if segment.noise is None else segment.noise
    if sigma:
        image = image + chance.normal(0, sigma, light.shape)
    return np.asarray(np.clip(image, 0, 255), np.float32)


def _clock(image: Luma, number: int) -> Image:
    burnt = image.astype(np.uint8)
    place, text = (
        (8, image.shape[0] - 8),
        f"2026-03-01 {number // 3600:02d}:{number // 60 % 60:02d}:{number % 60:02d}",
    )
    cv2.putText(burnt, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.45, 20, 3, cv2.LINE_AA)
    cv2.putText(burnt, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.45, 245, 1, cv2.LINE_AA)
    return burnt


def _encode(image: Image, quality: int) -> bytes:
    _, jpeg = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return jpeg.tobytes()
