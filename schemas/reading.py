"""One reading on the wire between ingest and the judge: a JSON line of a pack.

A pack is one Kafka record of topic `readings`: lines of one partition, at most 512 KiB. JSON lines because a
person can read them with any Kafka tool and msgspec decodes one in half a microsecond. Keys are short because
there are a hundred thousand of them a second. Times are integer microseconds since 1970, UTC.
"""

from typing import Final

import msgspec

GOOD: Final = 1
NOT_EVALUATED: Final = 2
SUSPECT: Final = 3
FAIL: Final = 4
MISSING: Final = 9
"""Quality flags, IOOS QARTOD's numbers."""
BY_RECORD: Final = 16
"""Bit beside the flag: the gateway's clock could not be trusted, and the received time is Kafka's of the record."""
QUALITY: Final = 15
"""Mask of the flag itself."""
AHEAD_SUSPECT_US: Final = 60_000_000
"""A sample this far ahead of its received time is SUSPECT."""

PACK_MAX_BYTES: Final = 512 * 1024
MAX_SEQ: Final = 2**63 - 1

CLOCK: Final = "clock"
"""Note of a clock line: the gateway's own time, once a second into every partition."""
CLOCKS_UNDER_WAY: Final = 2
"""Clock lines of one gateway and partition that are not confirmed, at most: line n is made when line n - 2 is."""
REFUSED: Final = "refused:"
"""Prefix of the note that says a message of device `d` was refused; what follows is the rejection's code."""

SOUND: Final = "sound"
"""Note of a line that says a message of device `d` without a reading (a result, a frame) was accepted; at: its time."""

HEADER_COUNT: Final = "count"
HEADER_RUN: Final = "run"
HEADER_TOTAL: Final = "total"
"""Headers of a pack (decimal text): values in it, the gateway run, running total of the run in this partition."""


class Line(msgspec.Struct, gc=False, frozen=True, omit_defaults=True):
    """A reading (`p` > 0), a clock line (`n` == CLOCK) or a note about a device (`n` is SOUND or starts with REFUSED).

    p: point id, 0 when this is no reading.   at: device time, us UTC (clock line: the gateway's time).
    seq: 0 when the device sends none.        v: value in the point's unit.      q: quality flag (and BY_RECORD).
                                              (refused: 1 when it told of a positive test)
    r: received time, us UTC.                 d: device id (clock line: the gateway's run).    n: note.
    A clock line's seq is its ordinal among the run's lines in this partition, from 1 (0: unknown).
    """

    p: int
    at: int
    seq: int = 0
    v: float = 0.0
    q: int = GOOD
    r: int = 0
    d: str = ""
    n: str = ""


_lines: Final = msgspec.json.Decoder(Line)
_encode: Final = msgspec.json.Encoder()


def decode_lines(pack: bytes) -> list[Line]:
    """The lines of a pack, in order. Raises msgspec.DecodeError / ValidationError on foreign bytes."""
    return _lines.decode_lines(pack)


def reading_line(point: int, at_us: int, seq: int, value: float, quality: int, received_us: int) -> bytes:
    """One reading as a line with its newline; formatted by hand since it is on the hot path."""
    if quality == GOOD:
        return b'{"p":%d,"at":%d,"seq":%d,"v":%a,"r":%d}\n' % (
            point,
            at_us,
            seq,
            value,
            received_us,
        )
    return b'{"p":%d,"at":%d,"seq":%d,"v":%a,"q":%d,"r":%d}\n' % (
        point,
        at_us,
        seq,
        value,
        quality,
        received_us,
    )


def clock_line(now_us: int, run: str, ordinal: int = 0) -> bytes:
    """The gateway's clock as a line; `run` names the gateway process."""
    return _encode.encode(Line(p=0, at=now_us, seq=ordinal, d=run, n=CLOCK)) + b"\n"


def sound_line(device: str, at_us: int, received_us: int) -> bytes:
    """Tells the judge that a message of `device` without a reading was accepted, measured then by its own clock."""
    return _encode.encode(Line(p=0, at=at_us, r=received_us, d=device, n=SOUND)) + b"\n"


def refused_line(device: str, code: str, received_us: int, positive: bool = False) -> bytes:
    """Tells the judge that `device` was heard at `received_us` with something refused as `code`. positive: as far as it
    could be read, it told of a positive test."""
    line = Line(p=0, at=received_us, r=received_us, d=device, n=REFUSED + code, v=float(positive))
    return _encode.encode(line) + b"\n"
