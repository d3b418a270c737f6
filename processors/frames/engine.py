"""What a camera's frames mean over time: pure, one state per camera, no image in it.

The checks (`vision/`) give each frame a score per check; this engine decides when bad frames are a fault and
when the fault is over. A frame that is not newer than the last one judged (`is_news`) changes nothing, and a
frame without scores (missing or undecodable image) neither opens nor closes anything.
"""

from collections.abc import Iterable, Mapping
from typing import Final, Protocol

import msgspec

from schemas.finding import Change, Finding, First, Severity, finding_id, next_first, subject_of
from schemas.frame import FrameReference

FRAMES_TO_OPEN: Final = 2
FRAMES_TO_CLOSE: Final = 2
LATE_US: Final = 120_000_000
"""What is received so long after it was taken sounds no siren, unless the camera sends rarely."""


class Judged(Protocol):
    """What the engine needs of a check: bad is a score of `limit` or more, a fault lasts at least `hold_us`."""

    @property
    def name(self) -> str: ...
    @property
    def rule(self) -> str: ...
    @property
    def severity(self) -> Severity: ...
    @property
    def limit(self) -> float: ...
    @property
    def hold_us(self) -> int: ...


class Scene(msgspec.Struct, frozen=True):
    """A camera's usual view, learnt from its good frames; only `processors.frames.vision.image` looks inside.

    width, height: of the decoded image.  frames: learnt from.  edges: grid of little-endian uint16.
    sharpness, detail: by tile, little-endian float32.  blocks: of the last picture, little-endian uint32.
    """

    width: int
    height: int
    frames: int = 0
    edges: bytes = b""
    sharpness: bytes = b""
    detail: bytes = b""
    blocks: bytes = b""


class Episode(msgspec.Struct, frozen=True):
    """Where one check stands: a run of bad frames (`start_us`, `bad`), a run of good ones after it, its finding.

    first, worst: SHA-256 of the first and of the worst bad frame.  version: 0 while no finding is open.
    ordinal: which of the episodes of that start it is.
    """

    start_us: int = 0
    bad: int = 0
    good: int = 0
    good_us: int = 0
    peak: float = 0.0
    first: str = ""
    worst: str = ""
    version: int = 0
    ordinal: int = 0


class CameraState(msgspec.Struct, frozen=True):
    """One camera. `at_us`, `seq`: its newest frame judged. told: by check, its newest finding's episode."""

    at_us: int = -1
    seq: int = -1
    scene: Scene | None = None
    episodes: dict[str, Episode] = {}
    told: dict[str, First] = {}


def is_news(state: CameraState, frame: FrameReference) -> bool:
    """Whether the frame is newer than all judged: a resend and a latecomer are not."""
    return (frame.at_us, frame.seq) > (state.at_us, state.seq)


def faults(checks: Iterable[Judged], scores: Mapping[str, float]) -> list[str]:
    """Names of the checks that this one frame fails."""
    return [check.name for check in checks if scores.get(check.name, 0.0) >= check.limit]


def step(
    state: CameraState,
    checks: Iterable[Judged],
    scores: Mapping[str, float],
    frame: FrameReference,
    scene: Scene | None = None,
    late_us: int = LATE_US,
) -> tuple[CameraState, list[Finding]]:
    """The state after a frame and the findings that it opened or closed.

    scores: by check name, {} when the image could not be had. scene: what the camera's view is now (None: as before).
    late_us: a frame received later than this after it was taken makes late findings.
    """
    if not is_news(state, frame):
        return state, []
    episodes: dict[str, Episode] = {}
    told = dict(state.told)
    findings: list[Finding] = []
    for check in checks:
        episode = state.episodes.get(check.name, Episode())
        if check.name in scores:
            if episode.bad == 0:
                start = next_first(told.get(check.name), frame.at_us)
                episode = Episode(start_us=start.start_us, ordinal=start.ordinal)
            episode, found = _judge(episode, check, scores[check.name], frame, late_us)
            findings += found
        if episode.bad:
            episodes[check.name] = episode
        if episode.version:
            told[check.name] = First(episode.start_us, episode.ordinal)
    return CameraState(frame.at_us, frame.seq, scene or state.scene, episodes, told), findings


def retire(
    state: CameraState, checks: Iterable[Judged], camera: str, retired_us: int
) -> tuple[CameraState, list[Finding]]:
    """The camera was retired then: what goes on ends, at its newest frame at the earliest."""
    end_us = max(retired_us, state.at_us)
    findings = [
        _ended(episode, check, camera, end_us)
        for check in checks
        if (episode := state.episodes.get(check.name)) and episode.version
    ]
    return msgspec.structs.replace(state, episodes={}), findings


def _judge(
    episode: Episode, check: Judged, score: float, frame: FrameReference, late_us: int
) -> tuple[Episode, list[Finding]]:
    if score >= check.limit:
        return _bad(episode, check, score, frame, late_us)
    if episode.version == 0:
        return Episode(), []
    good_us = episode.good_us if episode.good else frame.at_us
    episode = msgspec.structs.replace(episode, good=episode.good + 1, good_us=good_us)
    if episode.good < FRAMES_TO_CLOSE:
        return episode, []
    return Episode(), [_finding(episode, check, frame, Change.CLOSED, late_us)]


def _bad(
    episode: Episode, check: Judged, score: float, frame: FrameReference, late_us: int
) -> tuple[Episode, list[Finding]]:
    if episode.bad == 0:
        episode = msgspec.structs.replace(episode, first=frame.sha256)
    worse = score > episode.peak
    episode = msgspec.structs.replace(
        episode,
        bad=episode.bad + 1,
        good=0,
        good_us=0,
        peak=score if worse else episode.peak,
        worst=frame.sha256 if worse else episode.worst,
    )
    held = frame.at_us - episode.start_us >= check.hold_us
    if episode.version or episode.bad < FRAMES_TO_OPEN or not held:
        return episode, []
    opened = _finding(episode, check, frame, Change.OPENED, late_us)
    return msgspec.structs.replace(episode, version=opened.version), [opened]


def _finding(episode: Episode, check: Judged, frame: FrameReference, change: Change, late_us: int) -> Finding:
    return msgspec.structs.replace(
        _version(episode, check, frame.camera, change, frame.at_us),
        end_us=episode.good_us if change is Change.CLOSED else None,
        received_us=frame.received_us,
        late=frame.received_us - frame.at_us > late_us,
    )


def _ended(episode: Episode, check: Judged, camera: str, end_us: int) -> Finding:
    """Closed without a good frame, since none will come."""
    found = _version(episode, check, camera, Change.CLOSED, end_us)
    return msgspec.structs.replace(found, end_us=end_us, detail=found.detail | {"reason": "retired"})


def _version(episode: Episode, check: Judged, camera: str, change: Change, time_us: int) -> Finding:
    subject = subject_of(camera)
    return Finding(
        id=finding_id(subject, check.rule, episode.start_us, episode.ordinal),
        version=episode.version + 1,
        change=change,
        subject=subject,
        device=camera,
        rule=check.rule,
        severity=check.severity,
        start_us=episode.start_us,
        measured_us=time_us,
        received_us=time_us,
        peak=episode.peak,
        limit=check.limit,
        detail={"sha256": episode.first, "worst_sha256": episode.worst},
    )
