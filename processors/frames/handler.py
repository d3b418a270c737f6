"""The frames worker: references in, images looked at, rows and findings out. A handler of `processors.worker.app`.

Images are read, decoded and scored before the transaction begins, once; then written, as often as it takes. A record
that is committed already only rebuilds the cameras' state: its image is looked at again and nothing is written. Runs in
the one writer thread.
"""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import ClassVar, Final, NamedTuple, Protocol

import msgspec
from prometheus_client import Counter, Histogram

from processors.frames.checkpoint import decode_states, encode_states
from processors.frames.engine import CameraState, Scene, faults, is_news, retire, step
from processors.frames.images import Images
from processors.frames.store import Camera, FrameRow, FramesWork
from processors.frames.vision import CHECKS, Check, look
from processors.frames.vision.decode import Undecodable
from processors.frames.vision.image import Grey
from processors.worker import meters, turns
from processors.worker.partitions import Slot
from processors.worker.turns import Turns
from processors.worker.work import FindingRow, Outcome, Record, RejectionRow
from schemas.evidence import is_sha256
from schemas.frame import FrameReference, decode_frame
from schemas.rejection import Rejection
from schemas.topics import FRAMES, Topic

MISSING_IMAGE: Final = "missing_image"
UNDECODABLE: Final = "undecodable"
FRAMES_AT_ONCE: Final = 16
"""Frames in one transaction: a hostile one may take the decoder some seconds, and others wait behind it."""
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


class Store(turns.Store[FramesWork], Protocol):
    """What is needed of `processors.frames.store.FramesStore`; each raises Temporary, Permanent or Fenced."""

    def cameras(self, names: Iterable[str]) -> dict[str, Camera]: ...


class Decoder(Protocol):
    """What is needed of `processors.frames.vision.decode.Decoder`. Raises Temporary."""

    def decode(self, data: bytes) -> Grey | Undecodable: ...


class Look(NamedTuple):
    """What came of one frame's image. scene: None when there was no picture."""

    scores: dict[str, float]
    faults: list[str]
    scene: Scene | None


class FramesWorker(Turns[Cameras, FramesWork]):
    """Holds the cameras of the owned partitions and writes through `store`."""

    topics: ClassVar[tuple[Topic, ...]] = (FRAMES,)

    def __init__(
        self,
        store: Store,
        images: Images,
        decoder: Decoder,
        checkpoint_interval_s: float,
        checks: Mapping[str, Check] = CHECKS,
    ) -> None:
        super().__init__(store, checkpoint_interval_s)
        self._checks = checks
        self.store = store
        self._images = images
        self._decoder = decoder
        self._registry: dict[str, Camera] = {}

    def blank(self) -> FramesWork:
        return FramesWork()

    def slices(self, records: Sequence[Record]) -> Iterator[list[Record]]:
        rest = iter(records)
        while part := list(islice(rest, FRAMES_AT_ONCE)):
            yield part

    def conclude(self, work: FramesWork) -> None:
        for advance in work.advances:
            if slot := self.slots.get(advance.place):
                advance.stream_us = max((camera.at_us for camera in slot.state.values()), default=None)

    # ------------------------------------------------------------------ cameras that were retired

    def idle(self) -> bool:
        """Ends what goes on for cameras that were retired: no frame of them comes any more that would."""
        made = super().idle()
        for slot in self.slots:
            if slot.next == slot.expected and (ended := self._end_retired(slot)):
                self._checkpoint(slot, FramesWork(findings=ended))
                made = True
        return made

    def _end_retired(self, slot: Slot[Cameras]) -> list[FindingRow]:
        named = [name for name, state in slot.state.items() if state.episodes]
        known = self.patience.insist(lambda: self.store.cameras(named)) if named else {}
        ended: list[FindingRow] = []
        for name, camera in known.items():
            if camera.retired_us is not None:
                state, findings = retire(slot.state[name], self._checks.values(), name, camera.retired_us)
                slot.state[name] = state
                ended += [FindingRow(slot.place, camera.enterprise, finding) for finding in findings]
        return ended

    # ------------------------------------------------------------------ checkpoints

    def encode(self, slot: Slot[Cameras], work: FramesWork) -> bytes | None:
        return encode_states(slot.state)

    def restore(self, text: bytes | None) -> Cameras:
        return {} if text is None else decode_states(text)

    # ------------------------------------------------------------------ one frame

    def take(self, slot: Slot[Cameras], record: Record, work: FramesWork) -> None:
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
        state = slot.state.get(frame.camera, CameraState())
        news = is_news(state, frame)
        seen = self.patience.insist(lambda: self._look(frame, state.scene if news else None))
        work.frames.append(
            FrameRow(record.place, record.position, camera.enterprise, frame, seen.scores, seen.faults)
        )
        if news:
            late_us = max(2 * camera.interval_us, LATE_AT_LEAST_US)
            slot.state[frame.camera], findings = step(
                state, self._checks.values(), seen.scores, frame, seen.scene, late_us
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
        scores, learnt = look(grey, scene, self._checks)
        return Look(scores, faults(self._checks.values(), scores), learnt)

    def _camera(self, name: str) -> Camera | None:
        if name not in self._registry:
            self._registry.update(self.patience.insist(lambda: self.store.cameras([name])))
        return self._registry.get(name)

    # ------------------------------------------------------------------ numbers

    def measure(self, work: FramesWork, outcome: Outcome, began_s: float) -> None:
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
        and is_sha256(frame.sha256)
        and "\0" not in frame.camera + frame.media_type
    )
    return frame if sound else "a number, time or hash that cannot be"
