"""Camera frames drawn from a seed: a kitchen or a cold store with people who move, light that drifts, a noisy sensor.

The only file of the front door that imports OpenCV: it draws and compresses images, it judges none.
"""

import math
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

WIDTH, HEIGHT = 640, 360
JPEG_QUALITY = 80
SENSOR_NOISE = 3.0

Image = NDArray[np.uint8]
Color = tuple[int, int, int]

STEEL: Color = (168, 164, 158)
DARK_STEEL: Color = (96, 92, 88)
TILE: Color = (214, 218, 214)
GROUT: Color = (186, 190, 188)
FLOOR: Color = (118, 126, 132)
WHITE: Color = (236, 238, 236)
SKIN: Color = (150, 178, 214)
CARTON: Color = (92, 134, 176)


def draw(scene: str, seed: int, second: float, label: str, covered: bool = False) -> bytes:
    """One JPEG of `scene` ("kitchen" or "store") as this camera sees it `second` seconds into the run.

    label: burnt into the corner as cameras do (ASCII). covered: something hangs over the lens.
    """
    chance = np.random.default_rng((seed, round(second * 1000)))
    image = _cloth(seed, second) if covered else _view(scene, seed, second)
    light = 1.0 + 0.03 * math.sin(second / 7.0 + seed % 7)
    noise = chance.normal(0.0, SENSOR_NOISE, (HEIGHT, WIDTH, 1))
    exposed = np.clip(image.astype(np.float32) * light + noise, 0, 255).astype(np.uint8)
    _burn(exposed, label)
    _, jpeg = cv2.imencode(".jpg", exposed, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    return jpeg.tobytes()


def _view(scene: str, seed: int, second: float) -> Image:
    if scene == "store":
        image = _empty_store(seed).copy()
        _forklift(image, 320 + 210 * math.sin(second / 5.0 + seed))
        _worker(image, 170 + 70 * math.sin(second / 3.1 + seed), 300, 1.0, (70, 110, 190))
        return image
    image = _empty_kitchen(seed).copy()
    _flame(image, second)
    _worker(image, 250 + 120 * math.sin(second / 4.0 + seed), 262, 1.0, WHITE)
    _front_counter(image, seed)
    _worker(image, 470 + 80 * math.sin(second / 2.7 + 2 * seed), 318, 1.35, WHITE)
    return image


@lru_cache(maxsize=32)
def _empty_kitchen(seed: int) -> Image:
    image = np.full((HEIGHT, WIDTH, 3), TILE, np.uint8)
    for x in range(seed % 20, WIDTH, 32):
        cv2.line(image, (x, 0), (x, 190), GROUT, 1)
    for y in range(10, 200, 32):
        cv2.line(image, (0, y), (WIDTH, y), GROUT, 1)
    _box(image, 0, 190, WIDTH, HEIGHT, FLOOR)
    for x in range(-400, WIDTH + 400, 80):
        cv2.line(image, (320 + (x - 320) // 2, 190), (x, HEIGHT), (104, 112, 118), 1)
    _hood(image)
    _fridge(image, 20, 70)
    _counter(image, 150, 178, 440)
    _shelf(image, 470, 60, seed)
    _pots(image)
    return image


def _hood(image: Image) -> None:
    hood = np.array([[190, 20], [400, 20], [430, 62], [160, 62]], np.int32)
    cv2.fillPoly(image, [hood], STEEL)
    cv2.polylines(image, [hood], True, DARK_STEEL, 2)
    for x in range(180, 420, 14):
        cv2.line(image, (x, 50), (x + 6, 60), DARK_STEEL, 1)


def _fridge(image: Image, x: int, y: int) -> None:
    _box(image, x, y, x + 96, 262, (188, 186, 182))
    cv2.rectangle(image, (x, y), (x + 96, 262), DARK_STEEL, 2)
    cv2.line(image, (x + 48, y), (x + 48, 262), DARK_STEEL, 2)
    for handle in (x + 40, x + 56):
        cv2.line(image, (handle, y + 60), (handle, y + 120), (60, 60, 60), 3)
    _box(image, x + 28, y + 8, x + 68, y + 24, (40, 44, 40))
    cv2.putText(
        image, "4.1", (x + 34, y + 21), cv2.FONT_HERSHEY_SIMPLEX, 0.42, (90, 230, 120), 1, cv2.LINE_AA
    )


def _counter(image: Image, x: int, y: int, right: int) -> None:
    _box(image, x, y, right, y + 12, (200, 198, 194))
    _box(image, x, y + 12, right, y + 76, STEEL)
    for edge in range(x, right, 72):
        cv2.rectangle(image, (edge, y + 12), (min(edge + 72, right), y + 76), DARK_STEEL, 1)
        cv2.line(image, (edge + 20, y + 24), (edge + 52, y + 24), (70, 70, 70), 2)


def _shelf(image: Image, x: int, y: int, seed: int) -> None:
    chance = np.random.default_rng(seed)
    for row in range(3):
        top = y + row * 40
        for column in range(6):
            height = int(chance.integers(14, 30))
            color = tuple(int(c) for c in chance.integers(70, 220, 3))
            _box(image, x + column * 25, top + 34 - height, x + column * 25 + 20, top + 34, color)  # type: ignore[arg-type]
        _box(image, x - 6, top + 34, x + 156, top + 38, DARK_STEEL)


def _pots(image: Image) -> None:
    for number, x in enumerate((200, 262, 330)):
        _box(image, x, 142, x + 44, 170, (120 + 12 * number, 118, 116))
        cv2.ellipse(image, (x + 22, 142), (22, 6), 0, 0, 360, (74, 72, 70), -1)


def _front_counter(image: Image, seed: int) -> None:
    _counter(image, 360, 262, 640)
    cv2.ellipse(image, (430 + seed % 40, 258), (34, 9), 0, 0, 360, (222, 224, 222), -1)
    for x, color in ((400, (60, 150, 70)), (540, (50, 70, 190)), (580, (60, 170, 210))):
        cv2.circle(image, (x, 254), 10, color, -1, cv2.LINE_AA)


@lru_cache(maxsize=32)
def _empty_store(seed: int) -> Image:
    image = np.full((HEIGHT, WIDTH, 3), (206, 204, 198), np.uint8)
    _box(image, 0, 220, WIDTH, HEIGHT, (140, 142, 140))
    for x in range(0, WIDTH, 64):
        cv2.line(image, (x, 0), (x, 60), (190, 188, 182), 2)
    chance = np.random.default_rng(seed)
    _rack(image, 10, 60, 190, chance)
    _rack(image, 440, 60, 190, chance)
    _strip_door(image)
    for x in (230, 360):
        _box(image, x, 8, x + 60, 26, (150, 150, 150))
        cv2.circle(image, (x + 18, 17), 7, (90, 90, 90), 2)
        cv2.circle(image, (x + 42, 17), 7, (90, 90, 90), 2)
    for x in (215, 425):
        cv2.line(
            image, (320 + (x - 320) // 2, 220), (320 + (x - 320) * 2, HEIGHT), (60, 200, 230), 3, cv2.LINE_AA
        )
    return image


def _rack(image: Image, x: int, y: int, width: int, chance: np.random.Generator) -> None:
    for row in range(3):
        top = y + row * 66
        for column in range(4):
            left = x + 6 + column * (width // 4)
            high = int(chance.integers(30, 54))
            shade = int(chance.integers(-20, 20))
            color = (CARTON[0] + shade, CARTON[1] + shade, CARTON[2] + shade)
            _box(image, left, top + 58 - high, left + width // 4 - 8, top + 58, color)
            middle = left + width // 8 - 4
            cv2.line(image, (middle, top + 58 - high), (middle, top + 58), (150, 190, 215), 2)
        _box(image, x, top + 58, x + width, top + 63, (40, 90, 200))
    for post in (x, x + width):
        _box(image, post - 3, y - 10, post + 3, y + 206, (150, 90, 40))


def _strip_door(image: Image) -> None:
    _box(image, 240, 80, 400, 222, (170, 172, 170))
    cv2.rectangle(image, (240, 80), (400, 222), (90, 90, 90), 3)
    for number, x in enumerate(range(248, 392, 18)):
        shade = 206 if number % 2 else 190
        _box(image, x, 84, x + 16, 220, (shade + 20, shade + 10, shade - 10))


def _forklift(image: Image, x: float) -> None:
    left = int(x)
    _box(image, left, 250, left + 70, 292, (40, 170, 230))
    _box(image, left + 12, 214, left + 16, 252, (50, 50, 50))
    _box(image, left + 52, 214, left + 56, 252, (50, 50, 50))
    _box(image, left + 8, 208, left + 60, 214, (60, 60, 60))
    _box(image, left + 74, 200, left + 79, 300, (70, 70, 70))
    _box(image, left + 79, 294, left + 112, 298, (70, 70, 70))
    _box(image, left + 80, 262, left + 112, 294, CARTON)
    for wheel in (left + 14, left + 56):
        cv2.circle(image, (wheel, 296), 11, (40, 40, 40), -1, cv2.LINE_AA)


def _worker(image: Image, x: float, feet: int, size: float, coat: Color) -> None:
    """Somebody in a coat and a white cap, seen from the side wall."""
    middle, scale = int(x), size
    shoulder = feet - int(86 * scale)
    for leg in (-8, 8):
        _box(
            image,
            middle + int((leg - 5) * scale),
            feet - int(40 * scale),
            middle + int((leg + 5) * scale),
            feet,
            (70, 64, 60),
        )
    coat_shape = (int(19 * scale), int(32 * scale))
    cv2.ellipse(image, (middle, shoulder + int(28 * scale)), coat_shape, 0, 0, 360, coat, -1, cv2.LINE_AA)
    cv2.line(
        image,
        (middle, shoulder + int(14 * scale)),
        (middle + int(26 * scale), shoulder + int(34 * scale)),
        coat,
        int(9 * scale),
        cv2.LINE_AA,
    )
    head = (middle, shoulder - int(12 * scale))
    cv2.circle(image, head, int(11 * scale), SKIN, -1, cv2.LINE_AA)
    cap = (head[0], head[1] - int(9 * scale))
    cv2.ellipse(image, cap, (int(12 * scale), int(8 * scale)), 0, 0, 360, WHITE, -1, cv2.LINE_AA)
    cv2.ellipse(image, cap, (int(12 * scale), int(8 * scale)), 0, 0, 360, GROUT, 1, cv2.LINE_AA)


def _flame(image: Image, second: float) -> None:
    for number, x in enumerate((222, 284, 352)):
        height = 7 + int(3 * math.sin(second * 9.0 + number * 2))
        flame = np.array([[x - 14, 178], [x, 178 - height], [x + 14, 178]], np.int32)
        cv2.fillPoly(image, [flame], (230, 140, 60))
        rise = int(second * 12 + number * 20) % 50
        cv2.circle(image, (x + rise // 6, 140 - rise), 6 + rise // 6, (226, 228, 226), 1, cv2.LINE_AA)


def _cloth(seed: int, second: float) -> Image:
    """What is left to see through a rag over the lens: brown, no edges, a slow fold."""
    rows = np.linspace(0.0, 3.0, HEIGHT)[:, None]
    columns = np.linspace(0.0, 4.0, WIDTH)[None, :]
    folds = np.sin(columns + 0.2 * math.sin(second / 3.0) + seed) + np.cos(rows * 1.3 + columns * 0.5)
    shade = 70.0 + 9.0 * folds
    return np.clip(np.stack([shade * 0.75, shade * 0.9, shade], axis=2), 0, 255).astype(np.uint8)


def _burn(image: Image, label: str) -> None:
    for x, y, shade in ((12, HEIGHT - 10, 30), (11, HEIGHT - 11, 250)):
        color = (shade, shade, shade)
        cv2.putText(image, label, (x, y), cv2.FONT_HERSHEY_SIMPLEX, 0.5, color, 1, cv2.LINE_AA)


def _box(image: Image, left: int, top: int, right: int, bottom: int, color: Color) -> None:
    cv2.rectangle(image, (left, top), (right - 1, bottom - 1), color, -1)
