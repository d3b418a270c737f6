"""The frames worker: references in, images looked at, rows and findings out. A handler of `processors.worker.app`.

Images are read, decoded and scored before the transaction begins, once; then written, as often as it takes. A record
that is committed already only rebuilds the cameras' state: its image is looked at again and nothing is written. Runs in
the one writer thread.
"""

import time
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Final, NamedTuple, Protocol

import msgspec
from prometheus_client import Counter, Histogram

from processors.frames.checkpoint import decode_states, encode_states
from processors.frames.engine import CameraState, Scene, faults, is_news, step
from processors.frames.images import SHA256, Images
from processors.frames.store import Camera, FrameRow, FramesWork
from processors.frames.vision import CHECKS, look
from processors.frames.vision.decode import Undecodable
from processors.frames.vision.image import Grey
from processors.worker import meters
from processors.worker.partitions import Slot, Slots, Turn
from processors.worker.patience import Patience
from processors.worker.work import Advance, Claim, FindingRow, Outcome, Place, Record, RejectionRow
from schemas.frame import FrameReference, decode_frame
from schemas.rejection import Rejection
from schemas.topics import FRAMES, Topic

MISSING_IMAGE: Final = "missing_image"
UNDECODABLE: Final = "undecodable"
FRAMES_AT_ONCE: Final = 16
"""Frames in one transaction: a hostile one may take the decoder some seconds, and others wait behind it."""
CLAIM_LIMIT_S: Final = 25.0
MAX_TIME_US: Final = 4_102_444_800_000_000
MAX_INT: Final = 2**31 - 1
MAX_SEQ: Final = 2**63 - 1
LATE_AT_LEAST_US: Final = 120_000_000

SEEN: Final = Counter("coldwatch_frames", "Frames committed, by what became of them", ["outcome"])
FAULTS: Final = Counter("coldwatch_frame_faults", "Frames committed with this fault", ["fault"])
LOOK_SECONDS: Final = Histogram(
    "coldwatch_look_seconds", "To read, decode, measure and score one frame",
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 3, 10),
)  # fmt: skip
FRAME_AGE: Final = Histogram(
    "coldwatch_frame_age_seconds", "From a frame's arrival at the gateway to the return of its COMMIT",
    buckets=(0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 60, 600),
)  # fmt: skip

Cameras = dict[str, CameraState]


class Store(Protocol):
    """What is needed of `processors.frames.store.FramesStore`; each raises Temporary, Permanent or Fenced."""

    def claim(self, starts: dict[Place, int], topic_ids: dict[str, str]) -> dict[Place, Claim]: ...

    def cameras(self, names: Iterable[str]) -> dict[str, Camera]: ...

    def write(self, work: FramesWork) -> Outcome: ...


class Decoder(Protocol):
    """What is needed of `processors.frames.vision.decode.Decoder`. Raises Temporary."""

    def decode(self, data: bytes) -> Grey | Undecodable: ...


class Look(NamedTuple):
    """What came of one frame's image. scene: None when there was no picture."""

    scores: dict[str, float]
    faults: list[str]
    scene: Scene | None


class FramesWorker:
    """Holds the cameras of the owned partitions and writes through `store`."""

    topics: tuple[Topic, ...] = (FRAMES,)

    def __init__(self, store: Store, images: Images, decoder: Decoder, checkpoint_interval_s: float) -> None:
        self.store = store
        self.patience = Patience()
        self.slots: Slots[Cameras] = Slots()
        self._images = images
        self._decoder = decoder
        self._interval_s = checkpoint_interval_s
        self._registry: dict[str, Camera] = {}

    # ------------------------------------------------------------------ called by the app

    def claim(
        self, starts: dict[Place, int], topic_ids: dict[str, str]
    ) -> tuple[dict[Place, int], dict[Place, int]]:
        """Makes the partitions ours. Returns where to read each from, and its next position."""
        claims = self.patience.insist(lambda: self.store.claim(starts, topic_ids), CLAIM_LIMIT_S)
        seek = self.slots.claimed(claims.values(), starts, _restore, time.monotonic())
        return seek, {place: claim.next for place, claim in claims.items()}

    def handle(self, records: Sequence[Record]) -> bool:
        """Looks at the frames and commits them. True when findings were made."""
        rest = iter(records)
        made = False
        while part := list(islice(rest, FRAMES_AT_ONCE)):
            made = self._handle(part) or made
        return made

    def idle(self) -> None:
        """Called once a second between batches: checkpoints what has stood still."""
        now_s = time.monotonic()
        self._checkpoint([slot for slot in self.slots if slot.due(now_s, self._interval_s, len(self.slots))])

    def stop(self) -> None:
        """A clean end: the next owner has nothing to read again."""
        self._checkpoint(list(self.slots))

    # ------------------------------------------------------------------ one transaction

    def _handle(self, records: Sequence[Record]) -> bool:
        work = FramesWork()
        advances: dict[Place, Advance] = {}
        for record in records:
            slot = self.slots.get(record.place)
            turn = slot.turn(record) if slot else Turn.SKIP
            if slot is None or turn is Turn.SKIP:
                continue
            if turn is Turn.REBUILD:
                self._take(slot.state, record, FramesWork())
                continue
            advance = advances.setdefault(
                record.place, Advance(record.place, record.position, record.position)
            )
            advance.next = record.position + 1
            self._take(slot.state, record, work)
            advance.stream_us = max((camera.at_us for camera in slot.state.values()), default=None)
        if not advances:
            return False
        work.advances = list(advances.values())
        self._add_checkpoints(work.advances)
        return self._commit(work).findings > 0

    def _take(self, cameras: Cameras, record: Record, work: FramesWork) -> None:
        frame = reference_of(record.value)
        if isinstance(frame, str):
            work.rejections.append(_bad_record(record, "", frame))
            return
        camera = self._camera(frame.camera)
        if camera is None:
            work.rejections.append(
                _bad_record(record, frame.camera, f"camera {frame.camera} is not in the registry")
            )
            return
        state = cameras.get(frame.camera, CameraState())
        news = is_news(state, frame)
        seen = self.patience.insist(lambda: self._look(frame, state.scene if news else None))
        work.frames.append(FrameRow(record.place, camera.enterprise, frame, seen.scores, seen.faults))
        if news:
            late_us = max(2 * camera.interval_us, LATE_AT_LEAST_US)
            cameras[frame.camera], findings = step(
                state, CHECKS.values(), seen.scores, frame, seen.scene, late_us
            )
            work.findings += [FindingRow(record.place, camera.enterprise, finding) for finding in findings]

    def _look(self, frame: FrameReference, scene: Scene | None) -> Look:
        with LOOK_SECONDS.time():
            return self._scored(frame, scene)

    def _scored(self, frame: FrameReference, scene: Scene | None) -> Look:
        data = self._images.get(frame.sha256)
        if data is None:
            return Look({}, [MISSING_IMAGE], None)
        grey = self._decoder.decode(data)
        if isinstance(grey, Undecodable):
            return Look({}, [UNDECODABLE], None)
        scores, learnt = look(grey, scene)
        return Look(scores, faults(CHECKS.values(), scores), learnt)

    def _camera(self, name: str) -> Camera | None:
        if name not in self._registry:
            self._registry.update(self.patience.insist(lambda: self.store.cameras([name])))
        return self._registry.get(name)

    def _commit(self, work: FramesWork) -> Outcome:
        outcome = self.patience.insist(lambda: self.store.write(work))
        now_s = time.monotonic()
        for advance in work.advances:
            if slot := self.slots.get(advance.place):
                slot.committed(advance, now_s)
        _count(work, outcome)
        return outcome

    # ------------------------------------------------------------------ checkpoints

    def _add_checkpoints(self, advances: Iterable[Advance]) -> None:
        now_s = time.monotonic()
        for advance in advances:
            slot = self.slots.get(advance.place)
            if slot and slot.due(now_s, self._interval_s, len(self.slots)):
                _put_checkpoint(slot, advance)

    def _checkpoint(self, slots: Iterable[Slot[Cameras]]) -> None:
        work = FramesWork()
        for slot in slots:
            if slot.next == slot.expected > slot.checkpoint:
                advance = Advance(slot.place, slot.next, slot.next)
                _put_checkpoint(slot, advance)
                work.advances.append(advance)
        if work.advances:
            self._commit(work)


def _count(work: FramesWork, outcome: Outcome) -> None:
    now_us = time.time_ns() // 1000
    SEEN.labels("stored").inc(outcome.stored)
    SEEN.labels("duplicate").inc(outcome.duplicate)
    meters.FINDINGS.inc(outcome.findings)
    for refused in work.rejections:
        meters.REJECTIONS.labels(refused.rejection.code).inc()
    for row in work.frames:
        FRAME_AGE.observe((now_us - row.frame.received_us) / 1e6)
        for fault in row.faults:
            FAULTS.labels(fault).inc()


def _put_checkpoint(slot: Slot[Cameras], advance: Advance) -> None:
    began_s = time.monotonic()
    advance.checkpoint = slot.checkpoint_of(encode_states(slot.state))
    slot.cost_s = time.monotonic() - began_s


def _restore(text: bytes | None) -> Cameras:
    return {} if text is None else decode_states(text)


def _bad_record(record: Record, camera: str, detail: str) -> RejectionRow:
    """What is on the internal topic and is no frame of ours; the raw bytes are kept."""
    rejection = Rejection(
        code="bad_record", detail=detail[:500], device=camera, received_us=record.written_us
    )
    return RejectionRow(record.place, record.position, 0, None, rejection, record.value)


def reference_of(value: bytes) -> FrameReference | str:
    """The frame that a record names, or what is wrong with it."""
    try:
        frame = decode_frame(value)
    except msgspec.DecodeError as error:
        return str(error)
    sound = (
        0 < frame.at_us < MAX_TIME_US
        and 0 < frame.received_us < MAX_TIME_US
        and 0 <= frame.seq <= MAX_SEQ
        and all(0 <= number <= MAX_INT for number in (frame.size_bytes, frame.width, frame.height))
        and SHA256.fullmatch(frame.sha256) is not None
        and "\0" not in frame.camera + frame.media_type
    )
    return frame if sound else "a number, time or hash that cannot be"
