"""What becomes of a message: readings, a result, a frame, a rejection, or some of each. Pure, and total.

`resolve` decides once per connection and topic who speaks for whom; `admit` decides per message. A sound native
message takes the fast path; anything odd is decided again from the beginning by the careful one, which explains.
A shape that is wrong refuses the whole message; a value that cannot be true refuses itself, and the rest goes on.
"""

import hashlib
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

import msgspec

from ingest.codecs import Refusal
from ingest.codecs._codec import quoted, shown
from ingest.codecs._shapes import ImageSize, Message, Reported, Sample
from ingest.positive import tells_positive
from ingest.quarantine import Quarantine, clock_detail, impossible_detail
from ingest.routing import Route, Target, resolve
from schemas.device_topics import FRAME, RESULT, TELEMETRY
from schemas.frame import FrameReference
from schemas.reading import AHEAD_SUSPECT_US, GOOD, MAX_SEQ, SUSPECT, reading_line, refused_line, sound_line
from schemas.rejection import Rejection
from schemas.result import Result, Verdict
from schemas.times import to_us
from schemas.topics import READINGS, partition_of

__all__ = ["Admitted", "Route", "admit", "refuse", "resolve"]

OLDEST_US: Final = 30 * 86_400_000_000
AHEAD_US: Final = 600_000_000
"""How far a device's time may lie behind and ahead of `received_us`."""
MAX_TELEMETRY_BYTES: Final = 256 * 1024
SWITCH_VALUES: Final = (0.0, 1.0)


class Admitted(msgspec.Struct, frozen=True, gc=False):
    """What is to be written before the message may be acknowledged; the parts are conserved by count.

    lines: for the READINGS pack of `partition`; with refused lines, and sound ones of results and frames, that tell the
    judge that the device was heard. count: values in lines (those are none). result, frame: for their topics; a frame's
    payload goes to the evidence store under its sha256 first. rejections: each with the raw bytes to keep; one per
    code, its count says how many values.
    """

    lines: bytes
    count: int
    partition: int
    result: Result | None = None
    frame: FrameReference | None = None
    rejections: tuple[tuple[Rejection, bytes], ...] = ()


def admit(route: Route, payload: bytes, received_us: int) -> Admitted:
    """Decides on one message of a resolved topic; never raises, whatever the bytes."""
    codec = route.codec
    if codec.read is not None:
        admitted = _admit_fast(route, codec.read, payload, received_us)
        if admitted is not None:
            return admitted
    if len(payload) > MOST_BYTES.get(codec.channel, len(payload)):
        too_large = Refusal("too_large", detail=f"{len(payload)} > {MOST_BYTES[codec.channel]} byte")
        return _refuse_whole(route, too_large, payload, received_us)
    said = codec.decode(payload, received_us)
    if isinstance(said, Refusal):
        return _refuse_whole(route, said, payload, received_us)
    return ADMITTED_AS[codec.channel](route, said, payload, received_us)


def refuse(rejection: Rejection, payload: bytes, received_us: int) -> Admitted:
    """A message on a topic that `resolve` rejected; its refused line belongs to `rejection.device`."""
    kept = msgspec.structs.replace(rejection, received_us=received_us)
    line = refused_line(kept.device, kept.code, received_us, tells_positive(payload))
    partition = partition_of(kept.device, READINGS.partitions)
    return Admitted(line, 0, partition, rejections=((kept, payload),))


def _admit_fast(
    route: Route, read: Callable[[bytes], Any], payload: bytes, received_us: int
) -> Admitted | None:
    """The sound case alone; None for whatever is not, without a reason."""
    if len(payload) > MAX_TELEMETRY_BYTES:
        return None
    try:
        message = read(payload)
    except (ValueError, RecursionError):  # msgspec's own errors are ValueErrors, as is broken UTF-8
        return None
    if message.__class__ is list:
        return _admit_backlog(route, message, received_us)
    lines = _lines(route.targets, message, received_us)
    if len(lines) == 1:
        return Admitted(lines[0], 1, route.partition)
    return Admitted(b"".join(lines), len(lines), route.partition) if lines else None


def _admit_backlog(route: Route, messages: list[Message], received_us: int) -> Admitted | None:
    lines: list[bytes] = []
    for message in messages:
        some = _lines(route.targets, message, received_us)
        if not some:
            return None
        lines += some
    return Admitted(b"".join(lines), len(lines), route.partition) if lines else None


def _lines(targets: dict[str, Target], message: Message, received_us: int) -> list[bytes]:
    """One line per value; empty when anything about the message is odd."""
    at, seq = message.at, message.seq
    if isinstance(at, int):
        at_us = at * 1000
    elif at.tzinfo is None:
        return []
    else:
        at_us = to_us(at)
    if not -OLDEST_US <= at_us - received_us <= AHEAD_SUSPECT_US or not 0 <= seq <= MAX_SEQ:
        return []
    lines = []
    for metric, value in message.values.items():
        target = targets.get(metric)
        if target is None:
            return []
        point, low, high, codes, switch, _unit = target
        if switch:
            if value not in SWITCH_VALUES:
                return []
            value = float(value)
        elif value.__class__ is not float or not low <= value <= high or value in codes:
            return []
        lines.append(reading_line(point, at_us, seq, value, GOOD, received_us))
    return lines


def _admit_telemetry(route: Route, samples: list[Sample], payload: bytes, received_us: int) -> Admitted:
    """The careful path: decides every case, the sound one included, and says what is wrong."""
    for sample in samples:
        if wrong := _wrong_metric(route, sample):
            return _refuse_whole(route, wrong, payload, received_us)
    lines: list[bytes] = []
    quarantine = Quarantine()
    for sample in samples:
        lines += _judge_sample(route.targets, sample, received_us, quarantine)
    rejections = quarantine.rejections(route, received_us)
    notes = [refused_line(route.device.id, rejection.code, received_us) for rejection in rejections]
    return Admitted(
        b"".join(lines + notes),
        len(lines),
        route.partition,
        rejections=tuple((rejection, payload) for rejection in rejections),
    )


def _wrong_metric(route: Route, sample: Sample) -> Refusal | None:
    for metric, value in sample.values.items():
        target = route.targets.get(metric)
        path = f"{sample.path}.values.{shown(metric)}"
        if target is None:
            return Refusal("unknown_metric", path, ", ".join(route.targets))
        if isinstance(value, bool) and not target.switch:
            return Refusal("not_a_number", path, quoted(value))
    return None


def _judge_sample(
    targets: dict[str, Target], sample: Sample, received_us: int, quarantine: Quarantine
) -> list[bytes]:
    """The lines of what can be true; the rest goes to quarantine."""
    if not _sound_time(sample.at_us, received_us):
        detail = partial(clock_detail, sample.at_us, received_us)
        quarantine.add("clock", f"{sample.path}.at", len(sample.values), detail)
        return []
    quality = SUSPECT if sample.at_us - received_us > AHEAD_SUSPECT_US else GOOD
    lines = []
    for metric, found in sample.values.items():
        value, target = float(found), targets[metric]
        if _possible(target, value):
            lines.append(reading_line(target.point, sample.at_us, sample.seq, value, quality, received_us))
        else:
            detail = partial(impossible_detail, target, value)
            quarantine.add("impossible", f"{sample.path}.values.{metric}", 1, detail)
    return lines


def _sound_time(at_us: int, received_us: int) -> bool:
    return -OLDEST_US <= at_us - received_us <= AHEAD_US


def _possible(target: Target, value: float) -> bool:
    if target.switch:
        return value in SWITCH_VALUES
    return target.low <= value <= target.high and value not in target.codes


def _admit_frame(route: Route, size: ImageSize, payload: bytes, received_us: int) -> Admitted:
    at_us = received_us if route.identity.at_us is None else route.identity.at_us
    if not _sound_time(at_us, received_us):
        clock = Refusal("clock", "topic", clock_detail(at_us, received_us))
        return _refuse_whole(route, clock, payload, received_us)
    frame = FrameReference(
        camera=route.device.id,
        at_us=at_us,
        seq=route.identity.seq,
        received_us=received_us,
        sha256=hashlib.sha256(payload).hexdigest(),
        size_bytes=len(payload),
        width=size.width,
        height=size.height,
    )
    heard = sound_line(route.device.id, at_us, received_us)
    return Admitted(heard, 0, route.partition, frame=frame)


def _admit_result(route: Route, said: Reported, payload: bytes, received_us: int) -> Admitted:
    if not _sound_time(said.at_us, received_us):
        clock = Refusal("clock", "$.at", clock_detail(said.at_us, received_us))
        return _refuse_whole(route, clock, payload, received_us)
    if said.verdict is None:
        unknown = Refusal("unknown_verdict", "$.verdict", shown(said.verdict_raw))
        return _refuse_whole(route, unknown, payload, received_us)
    result = _result(route, said, said.verdict, payload, received_us)
    return Admitted(sound_line(route.device.id, said.at_us, received_us), 0, route.partition, result=result)


def _result(route: Route, said: Reported, verdict: Verdict, payload: bytes, received_us: int) -> Result:
    return Result(
        device=route.device.id,
        number=said.number,
        at_us=said.at_us,
        received_us=received_us,
        sample=said.sample,
        item=said.item,
        verdict=verdict,
        verdict_raw=said.verdict_raw,
        content_sha256=hashlib.sha256(payload).hexdigest(),
        method=said.method,
        value=said.value,
        value_text=said.value_text,
        unit=said.unit,
        operator=said.operator,
        lot=said.lot,
        sampled_us=said.sampled_us,
        raw=said.raw,
    )


def _refuse_whole(route: Route, refusal: Refusal, payload: bytes, received_us: int) -> Admitted:
    """The whole message refused (or, for a result or a frame, quarantined: the code says which)."""
    rejection = Rejection(
        code=refusal.code,
        path=refusal.path,
        detail=refusal.detail,
        device=route.device.id,
        publisher=route.publisher,
        topic=route.topic,
    )
    return refuse(rejection, payload, received_us)


MOST_BYTES: Final = {TELEMETRY: MAX_TELEMETRY_BYTES}
"""By channel, where the codecs do not bound it themselves."""
ADMITTED_AS: Final[Mapping[str, Callable[[Route, Any, bytes, int], Admitted]]] = {
    TELEMETRY: _admit_telemetry,
    RESULT: _admit_result,
    FRAME: _admit_frame,
}
"""What a channel's messages become, by whichever codec they were understood."""
