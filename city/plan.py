"""The city's plan: enterprises, sites, rooms, doors, mains, instruments and cameras, and which of them will fail.

Names are of kinds of places, not of any real one. The same seed gives the same city; the table gives its shape.
"""

import math
import zlib
from dataclasses import dataclass

import numpy as np

from city import rooms
from city.faults import SCRIPT, Fault, Kind, Script
from city.rooms import RoomType
from schemas.device_topics import topic_of
from schemas.finding import subject_of

INTERVAL_S = 2.0
RESULT_INTERVAL_S = 10.0
ROUND_S = 240.0
"""A run that goes on plays the script again after so many seconds, on other devices."""


@dataclass(frozen=True)
class Place:
    """One site of one enterprise and what stands there. `gateway`: its probes and doors speak through one.

    doors: how many of the cold rooms, counted from the first, have a door contact. power: its mains are watched.
    """

    county: tuple[str, str]
    enterprise: tuple[str, str]
    site: tuple[str, str]
    walk_ins: int = 0
    chilled: int = 0
    frozen: int = 0
    doors: int = 0
    kitchen_cameras: int = 0
    store_cameras: int = 0
    instruments: int = 0
    power: bool = False
    gateway: bool = False


EAST, WEST, SOUTH = ("chengdong", "城东区"), ("chengxi", "城西区"), ("chengnan", "城南区")
PLACES = (
    Place(EAST, ("xingfu", "幸福小学"), ("canteen", "学生食堂"), 2, 0, 1, 2, kitchen_cameras=2),
    Place(
        EAST,
        ("coldpark", "城东冷链物流园"),
        ("store-1", "一号冷库"),
        0,
        4,
        5,
        5,
        store_cameras=2,
        power=True,
        gateway=True,
    ),
    Place(WEST, ("yangguang", "阳光幼儿园"), ("kitchen", "厨房"), 1, 0, 0, 0, kitchen_cameras=1),
    Place(WEST, ("binhe", "滨河农贸市场"), ("testing", "快检室"), 0, 2, 0, 0, store_cameras=1, instruments=3),
    Place(
        SOUTH, ("renmin", "人民医院"), ("canteen", "营养食堂"), 2, 0, 1, 1, kitchen_cameras=1, instruments=1
    ),
    Place(
        SOUTH,
        ("beimen", "北门水产批发市场"),
        ("hall-2", "二号交易厅"),
        0,
        2,
        3,
        2,
        instruments=1,
        power=True,
        gateway=True,
    ),
    Place(
        WEST,
        ("lvyuan", "绿园中央厨房"),
        ("plant", "加工车间"),
        2,
        0,
        2,
        2,
        kitchen_cameras=1,
        instruments=1,
        power=True,
    ),
)


@dataclass(frozen=True)
class Device:
    """One device of the city. `room`: what a probe measures; `scene`: what a camera sees; `door`: of the asset."""

    id: str
    kind: str
    place: Place
    asset: tuple[str, str]
    interval_s: float
    profile: str
    behind: str = ""
    room: RoomType | None = None
    scene: str = ""

    @property
    def publisher(self) -> str:
        """The id that signs in for it."""
        return self.behind or self.id

    def topic(self, channel: str) -> str:
        return topic_of(self.place.enterprise[0], self.id, channel)


@dataclass(frozen=True)
class City:
    seed: int
    devices: tuple[Device, ...]

    def of_kind(self, kind: str) -> tuple[Device, ...]:
        return tuple(d for d in self.devices if d.kind == kind)

    def door_of(self, probe: Device) -> Device | None:
        """The door contact of the room that a probe measures."""
        same = (d for d in self.of_kind("door") if (d.place, d.asset) == (probe.place, probe.asset))
        return next(same, None)

    def chance(self, device: str, purpose: str) -> np.random.Generator:
        """A stream of random numbers of one device for one purpose, independent of all others."""
        return np.random.default_rng((self.seed, number_of(device), number_of(purpose)))


def number_of(text: str) -> int:
    """A stable number from a name, for seeds and phases."""
    return zlib.crc32(text.encode())


def build(seed: int) -> City:
    return City(seed, tuple(device for place in PLACES for device in _devices(place)))


def _devices(place: Place) -> list[Device]:
    name = place.enterprise[0]
    gateway = f"{name}-gw" if place.gateway else ""
    found = []
    if gateway:
        found.append(Device(gateway, "gateway", place, ("gateway", "网关"), 60.0, "gateway"))
    for number, (asset, room, profile) in enumerate(_rooms(place), start=1):
        probe = Device(f"{name}-probe-{number}", "probe", place, asset, INTERVAL_S, profile, gateway, room)
        found.append(probe)
        if number <= place.doors:
            found.append(Device(f"{name}-door-{number}", "door", place, asset, INTERVAL_S, "demo", gateway))
    if place.power:
        found.append(
            Device(f"{name}-power", "power", place, ("power", "配电箱"), INTERVAL_S, "demo", gateway)
        )
    scenes = ["kitchen"] * place.kitchen_cameras + ["store"] * place.store_cameras
    for number, scene in enumerate(scenes, start=1):
        asset = (f"camera-{number}", f"{number}号摄像机")
        found.append(
            Device(f"{name}-cam-{number}", "camera", place, asset, INTERVAL_S, "camera", scene=scene)
        )
    for number in range(1, place.instruments + 1):
        asset = (f"bench-{number}", f"{number}号快检仪")
        device = f"{name}-test-{number}"
        found.append(Device(device, "instrument", place, asset, RESULT_INTERVAL_S, "instrument"))
    return found


def _rooms(place: Place) -> list[tuple[tuple[str, str], RoomType, str]]:
    rows = [("walk-in", "冷藏间", rooms.WALK_IN, "demo", place.walk_ins)]
    rows += [("chill", "冷藏库", rooms.CHILLED_STORE, "demo", place.chilled)]
    rows += [("freeze", "冷冻库", rooms.FROZEN_STORE, "demo-frozen", place.frozen)]
    return [
        ((f"{key}-{number}", f"{number}号{name}"), room, profile)
        for key, name, room, profile, count in rows
        for number in range(1, count + 1)
    ]


class Schedule:
    """Which fault is on which device at which second. Rounds after the first come only when the script repeats.

    run: a short text that names this run; it is part of the numbers of its test results.
    """

    def __init__(self, city: City, run: str, faults: bool = True, repeats: bool = False) -> None:
        self._city = city
        self._run = run
        self._rounds = (math.inf if repeats else 1) if faults else 0
        self._known: dict[int, tuple[Fault, ...]] = {}

    def in_round(self, number: int) -> tuple[Fault, ...]:
        if number >= self._rounds:
            return ()
        if number not in self._known:
            self._known[number] = _round(self._city, number, self._run)
        return self._known[number]

    def active(self, kind: Kind, device: str, second: float) -> Fault | None:
        """The fault of this kind that this device has at this second."""
        faults = self.in_round(int(second // ROUND_S))
        return next((f for f in faults if f.kind is kind and f.device == device and f.active(second)), None)

    def starting(self, after_s: float, second: float) -> tuple[Fault, ...]:
        """The faults that begin in (after_s, second], in the order of their start."""
        rounds = range(max(0, int(after_s // ROUND_S)), int(second // ROUND_S) + 1)
        return tuple(f for number in rounds for f in self.in_round(number) if after_s < f.starts_s <= second)

    def begun(self, second: float) -> tuple[Fault, ...]:
        """All faults that have begun by this second, in the order of their start."""
        return self.starting(-1.0, second)


def result_number(run: str, number: int) -> str:
    """How a test result of this run is numbered."""
    return f"{run}-{number:03d}"


FIRST_POSITIVE = 900
"""Results with a scripted verdict are numbered from here, apart from an instrument's ordinary ones."""


def _round(city: City, number: int, run: str) -> tuple[Fault, ...]:
    """The faults of one round of the script, each on an asset of its own so that none hides another."""
    chance = np.random.default_rng((city.seed, number, number_of("faults")))
    taken: set[tuple[str, tuple[str, str]]] = set()
    found = []
    for script in SCRIPT:
        able = [d for d in _able(city, script.kind) if (d.place.enterprise[0], d.asset) not in taken]
        device = able[int(chance.integers(len(able)))]
        taken.add((device.place.enterprise[0], device.asset))
        subject = _subject(script, device, result_number(run, FIRST_POSITIVE + number))
        starts_s, ends_s = script.starts_s + number * ROUND_S, script.ends_s + number * ROUND_S
        found.append(Fault(script.kind, device.id, starts_s, ends_s, script.rule, subject))
    return tuple(found)


def _subject(script: Script, device: Device, positive: str) -> str:
    parts = {
        Kind.DOOR_LEFT_OPEN: "open",
        Kind.COMPRESSOR_DEAD: "temperature",
        Kind.POSITIVE_TEST: positive,
    }
    return subject_of(device.id, parts.get(script.kind, ""))


def _able(city: City, kind: Kind) -> tuple[Device, ...]:
    """Devices on which a kind of fault shows what it is meant to show, and nothing beside it."""
    probes = city.of_kind("probe")
    if kind is Kind.COMPRESSOR_DEAD:
        return tuple(d for d in probes if d.room is rooms.WALK_IN)
    if kind is Kind.DOOR_LEFT_OPEN:
        return city.of_kind("door")
    if kind is Kind.PROBE_SILENT:
        return tuple(d for d in probes if d.behind)
    if kind in (Kind.BAD_PAYLOAD, Kind.CLOCK_WRONG):
        return tuple(d for d in probes if not d.behind)
    return city.of_kind("instrument" if kind is Kind.POSITIVE_TEST else "camera")
