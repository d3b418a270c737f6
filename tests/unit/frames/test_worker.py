"""The frames worker over the store in memory: rows, faults, findings, ledger; whatever happens, exactly once."""

import random
from collections.abc import Iterator

import numpy as np
import pytest
from msgspec.structs import replace

from bench.kitchen import Segment, Sequence, draw_sequence
from processors.frames.handler import FRAMES_AT_ONCE, FramesWorker, reference_of
from processors.frames.images import MemoryImages
from processors.frames.memory import MemoryFrames
from processors.frames.store import Camera, FramesWork
from processors.frames.vision.decode import Decoder, Undecodable
from processors.frames.vision.image import Grey
from processors.worker.work import Outcome, Place, Record
from schemas.errors import Temporary
from schemas.frame import FrameReference, encode_frame

PLACE = Place("frames", 1)
CAMERAS = {"cam-1": Camera("canteen", 2_000_000)}
START_US = 1_780_000_000_000_000


@pytest.fixture(scope="module")
def decoder() -> Iterator[Decoder]:
    with Decoder() as made:
        yield made


@pytest.fixture(scope="module")
def images() -> MemoryImages:
    return MemoryImages()


@pytest.fixture(scope="module")
def records(images: MemoryImages) -> list[Record]:
    """40 frames: covered from the 10th to the 16th, frozen from the 24th to the 30th."""
    segments = [Segment(10), Segment(6, "dark_cloth"), Segment(8), Segment(6, "frozen"), Segment(10)]
    drawn = draw_sequence(Sequence(segments=segments, seed=11))
    return [record(number, images.put(jpeg)) for number, jpeg in enumerate(drawn)]


def frame(number: int, sha256: str, camera: str = "cam-1") -> FrameReference:
    at_us = START_US + number * 2_000_000
    return FrameReference(
        camera=camera, at_us=at_us, seq=number, received_us=at_us + 40_000, sha256=sha256, size_bytes=1000,
        width=640, height=360,
    )  # fmt: skip


def record(position: int, sha256: str, number: int | None = None, camera: str = "cam-1") -> Record:
    number = position if number is None else number
    return Record(PLACE, position, encode_frame(frame(number, sha256, camera)), {}, START_US)


def worker(
    store: MemoryFrames, images: MemoryImages, decoder: Decoder, interval_s: float = 1000.0
) -> FramesWorker:
    made = FramesWorker(store, images, decoder, interval_s)
    made.claim({PLACE: 0}, {"frames": "id-1"})
    return made


def episodes(store: MemoryFrames) -> list[tuple[str, int, int | None]]:
    newest = {f.id: f for _, f in sorted(store.books.findings.items())}
    found = []
    for f in newest.values():
        end = None if f.end_us is None else (f.end_us - START_US) // 2_000_000
        found.append((f.rule, (f.start_us - START_US) // 2_000_000, end))
    return sorted(found, key=lambda row: row[1])


EXPECTED = [("camera_covered", 10, 16), ("camera_frozen", 24, 30)]


def test_a_camera_that_is_retired_while_covered_ends_its_fault(
    images: MemoryImages, decoder: Decoder, records: list[Record]
) -> None:
    store = MemoryFrames(CAMERAS)
    made = worker(store, images, decoder)
    made.handle(records[:14])
    made.idle()
    assert episodes(store) == [("camera_covered", 10, None)]
    retired_us = START_US + 20 * 2_000_000
    store.known["cam-1"] = CAMERAS["cam-1"]._replace(retired_us=retired_us)
    made.idle()
    assert episodes(store) == [("camera_covered", 10, 20)]
    closed = max(store.books.findings.items())[1]
    assert (closed.version, closed.detail["reason"]) == (2, "retired")
    made.idle()
    worker(store, images, decoder).idle()
    assert len(store.books.findings) == 2


def test_a_camera_that_is_retired_before_anybody_was_told_says_nothing(
    images: MemoryImages, decoder: Decoder, records: list[Record]
) -> None:
    store = MemoryFrames({"cam-1": CAMERAS["cam-1"]._replace(retired_us=START_US)})
    made = worker(store, images, decoder)
    made.handle(records[:11])
    made.idle()
    assert episodes(store) == []


def test_frames_become_rows_with_scores_and_faults_and_findings(
    images: MemoryImages, decoder: Decoder, records: list[Record]
) -> None:
    store = MemoryFrames(CAMERAS)
    assert worker(store, images, decoder).handle(records)
    assert episodes(store) == EXPECTED
    assert [number for number, (_, _, faults) in enumerate(store.rows.values()) if faults] == [
        *range(10, 16), *range(24, 30)
    ]  # fmt: skip
    assert all(set(scores) == {"black", "covered", "frozen"} for _, scores, _ in store.rows.values())
    assert sum(b.accepted for b in store.ledger) == sum(b.stored for b in store.ledger) == len(records)
    assert store.books.offsets[("frames", PLACE)].next == len(records)


def test_a_resend_is_one_row_and_a_duplicate_in_the_ledger(
    images: MemoryImages, decoder: Decoder, records: list[Record]
) -> None:
    store = MemoryFrames(CAMERAS)
    doubled = [r._replace(position=p) for p, r in enumerate(r for r in records for _ in range(2))]
    worker(store, images, decoder).handle(doubled)
    assert episodes(store) == EXPECTED
    assert len(store.rows) == len(records)
    assert sum(b.duplicate for b in store.ledger) == len(records)


def test_a_latecomer_is_stored_and_judges_nothing(
    images: MemoryImages, decoder: Decoder, records: list[Record]
) -> None:
    store = MemoryFrames(CAMERAS)
    late = [*records[:5], *records[6:], records[5]]
    worker(store, images, decoder).handle([r._replace(position=p) for p, r in enumerate(late)])
    assert episodes(store) == EXPECTED
    assert len(store.rows) == len(records)


def test_missing_and_broken_images_are_recorded_as_faults_and_are_no_findings(
    images: MemoryImages, decoder: Decoder, records: list[Record]
) -> None:
    store = MemoryFrames(CAMERAS)
    broken = images.put(b"\xff\xd8 no image at all")
    mixed = []
    for number, good in enumerate(records[:8]):
        mixed += [good, record(0, broken, 100 * number), record(0, "ab" * 32, 100 * number + 50)]
    shots = [(r.value, number) for number, r in enumerate(mixed)]
    numbered = [record_at(value, position) for value, position in shots]
    worker(store, images, decoder).handle(numbered)
    faults = [faults for _, _, faults in store.rows.values()]
    assert faults.count(["undecodable"]) == 7  # the first one has the time of the first frame: a duplicate
    assert faults.count(["missing_image"]) == 8
    assert store.books.findings == {}
    assert sum(b.accepted for b in store.ledger) == 24


def record_at(value: bytes, position: int) -> Record:
    return Record(PLACE, position, value, {}, START_US)


def odd(**fields: object) -> bytes:
    return encode_frame(replace(frame(1, "ab" * 32), **fields))


@pytest.mark.parametrize(
    "value",
    [
        b"", b"\x00\xff", b"[]", b'{"camera":"cam-1"}',
        encode_frame(frame(1, "no hash")),
        odd(camera="cam-1", at_us=-5, seq=0, size_bytes=1),
        odd(camera="cam-1", at_us=10**18, seq=0, size_bytes=1),
        odd(camera="cam-1", at_us=1, seq=2**63, size_bytes=1),
        odd(camera="cam\0", at_us=1, seq=1, size_bytes=1),
        odd(camera="cam-1", at_us=1, seq=1, size_bytes=2**40),
        encode_frame(frame(1, "ab" * 32, "stranger")),
    ],
)  # fmt: skip
def test_a_record_that_is_no_frame_of_ours_is_dead_lettered_with_its_bytes(
    images: MemoryImages, decoder: Decoder, records: list[Record], value: bytes
) -> None:
    store = MemoryFrames(CAMERAS)
    worker(store, images, decoder).handle([record_at(value, 0), records[0]._replace(position=1)])
    ((place, position, rejection, raw),) = store.rejections
    assert (place, position, rejection.code, raw) == (PLACE, 0, "bad_record", value)
    assert len(store.rows) == 1
    assert sum(b.accepted for b in store.ledger) == 2 == sum(b.stored + b.dead_lettered for b in store.ledger)
    assert "\0" not in rejection.device


def test_a_sound_reference_is_read(records: list[Record]) -> None:
    assert isinstance(reference_of(records[0].value), FrameReference)


@pytest.mark.parametrize("seed", range(4))
def test_any_batches_checkpoints_and_restarts_end_in_the_same(
    images: MemoryImages, decoder: Decoder, records: list[Record], seed: int
) -> None:
    whole = MemoryFrames(CAMERAS)
    worker(whole, images, decoder).handle(records)
    chance, store = random.Random(seed), MemoryFrames(CAMERAS)
    while store.books.offsets.get(("frames", PLACE)) is None or store.books.offsets[
        ("frames", PLACE)
    ].next < len(records):
        running = worker(store, images, decoder, chance.choice([0.0, 1000.0]))
        position = running.slots.get(PLACE).expected  # type: ignore[union-attr]
        for _ in range(chance.randint(1, 3)):
            size = chance.randint(1, 9)
            running.handle(records[position : position + size])
            position += size
        if chance.random() < 0.3:
            running.stop()
    assert store.rows == whole.rows
    assert store.books.findings == whole.books.findings
    assert sum(b.accepted for b in store.ledger) == len(records)


class Failing(MemoryFrames):
    """The database is away for some writes, and some commits are in although they failed."""

    def __init__(self, seed: int) -> None:
        super().__init__(CAMERAS)
        self._chance = random.Random(seed)

    def write(self, work: FramesWork) -> Outcome:
        fate = self._chance.random()
        if fate < 0.3:
            raise Temporary("away")
        outcome = super().write(work)
        if fate < 0.5:
            raise Temporary("cut inside COMMIT")
        return outcome


def test_a_failing_database_changes_nothing(
    images: MemoryImages, decoder: Decoder, records: list[Record], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("processors.worker.patience.FIRST_S", 0.0)
    monkeypatch.setattr("processors.worker.patience.LONGEST_S", 0.0)
    whole, store = MemoryFrames(CAMERAS), Failing(5)
    worker(whole, images, decoder).handle(records)
    failing = worker(store, images, decoder, 0.0)
    for start in range(0, len(records), 3):
        failing.handle(records[start : start + 3])
    assert (store.rows, store.books.findings) == (whole.rows, whole.books.findings)
    assert sum(b.accepted for b in store.ledger) == len(records)


class Once:
    """Counts what is decoded."""

    def __init__(self, decoder: Decoder) -> None:
        self._decoder = decoder
        self.decoded = 0

    def decode(self, data: bytes) -> Grey | Undecodable:
        self.decoded += 1
        return self._decoder.decode(data)


def test_transactions_are_small_and_each_image_is_decoded_once(
    images: MemoryImages, decoder: Decoder, records: list[Record]
) -> None:
    counting, store = Once(decoder), MemoryFrames(CAMERAS)
    sizes: list[int] = []
    write = store.write
    store.write = lambda work: (sizes.append(len(work.frames)), write(work))[1]  # type: ignore[method-assign]
    made = FramesWorker(store, images, counting, 1000.0)
    made.claim({PLACE: 0}, {"frames": "id-1"})
    made.handle(records)
    assert counting.decoded == len(records)
    assert max(sizes) == FRAMES_AT_ONCE


def test_scores_are_plain_numbers_that_json_keeps(
    images: MemoryImages, decoder: Decoder, records: list[Record]
) -> None:
    store = MemoryFrames(CAMERAS)
    worker(store, images, decoder).handle(records[:3])
    for _, scores, _ in store.rows.values():
        assert all(type(value) is float and not isinstance(value, np.floating) for value in scores.values())
