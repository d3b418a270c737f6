"""Stream time of a partition, and by whose word what was received is judged. Pure.

Every gateway puts a clock line behind what it wrote, once a second. Kafka stamps each record with a time of its own as
it is appended (LogAppendTime), and that checks the line. No right clock is ahead of it. One that lies behind is wrong,
or its pack had to wait for Kafka, and these two are told apart by the order of things: a gateway makes a line only when
the one CLOCKS_UNDER_WAY before it is confirmed. So a line whose time lies before the moment at which that earlier one
was appended comes from a clock that is behind, and no waiting can look like it.

A gateway is *right*, *wrong*, or *unproved* (its first lines lie far behind, and nothing can tell yet why). Stream time
is the least over the gateways of their own times while they are right, and of Kafka's while they are not.
"""

from collections.abc import Sequence
from enum import IntEnum
from typing import Final, NamedTuple

import msgspec

from processors.judge.registry_view import FOREVER_US
from processors.judge.rule import Said, first_of
from processors.judge.rules import gateway_clock
from processors.judge.rules.gateway_clock import WrongGateway
from schemas.finding import Finding, First, finding_id
from schemas.reading import (
    AHEAD_SUSPECT_US,
    BY_RECORD,
    CLOCKS_UNDER_WAY,
    GOOD,
    SUSPECT,
    Line,
)

TOLERANCE_US: Final = 5_000_000
"""A clock line further than this from its record's own time is looked at."""
SLACK_US: Final = TOLERANCE_US // 2
"""Two clocks this close agree: in the order of things, and when a wrong one is right again."""
GATEWAY_GONE_US: Final = 10_000_000


class Trust(IntEnum):
    UNPROVED = 0
    RIGHT = 1
    WRONG = 2


class GatewayClock(msgspec.Struct, gc=False):
    """One gateway run in a partition.

    at_us: newest time taken of it for stream time. own_us: its own newest word, whatever it is worth.
    appended: ordinal of each of its last lines, and when Kafka first appended it. wrong: the running episode.
    told: by rule, its newest episode.
    """

    at_us: int = 0
    own_us: int = 0
    trust: Trust = Trust.UNPROVED
    appended: tuple[tuple[int, int], ...] = ()
    wrong: WrongGateway | None = None
    told: dict[str, First] = {}


class Heard(NamedTuple):
    """What a clock line has come to."""

    stream_us: int
    findings: list[Finding]


def hear(gateways: dict[str, GatewayClock], line: Line, written_us: int) -> Heard:
    """Takes a clock line; changes `gateways`. written_us: Kafka's time of its record, 0 when there is none."""
    gateway = gateways.setdefault(line.d, GatewayClock())
    findings: list[Finding] = []
    if not _is_repeated(gateway, line):
        words = _judge(gateway, line, written_us)
        findings += [_finding_of(line.d, gateway, words, written_us)] if words else []
        by_own = gateway.trust is Trust.RIGHT
        gateway.at_us = max(gateway.at_us, line.at if by_own else written_us)
        gateway.own_us = line.at
        if line.seq:
            gateway.appended = (*gateway.appended, (line.seq, written_us))[-CLOCKS_UNDER_WAY:]
    newest_us = max(gateway.at_us for gateway in gateways.values())
    for run in [run for run, known in gateways.items() if known.at_us <= newest_us - GATEWAY_GONE_US]:
        gone = gateways.pop(run)
        if gone.wrong:
            findings.append(_finding_of(run, gone, gateway_clock.end(gone.wrong, newest_us), written_us))
    return Heard(min(gateway.at_us for gateway in gateways.values()), findings)


def received(lines: list[Line], gateway: GatewayClock | None, written_us: int) -> list[Line]:
    """The pack's lines as they are to be judged and stored: received when Kafka took them, and marked so, unless the
    gateway's own word holds. gateway: None for a run that has written no clock line yet.
    """
    if not lines or not written_us:
        return lines
    said_us = lines[-1].r or lines[-1].at
    if _holds(gateway or GatewayClock(), said_us, written_us):
        return lines
    return [by_record(line, written_us) for line in lines]


def by_record(line: Line, written_us: int) -> Line:
    """The line as received at written_us. What the gateway thought of the device's time by its own is thought again."""
    if not 0 < line.r < FOREVER_US:  # a clock line, or what is bad anyhow
        return line
    quality = line.q
    if quality in (GOOD, SUSPECT):
        blamed = line.at - line.r > AHEAD_SUSPECT_US
        ahead = line.at - written_us > AHEAD_SUSPECT_US
        quality = SUSPECT if ahead or (quality == SUSPECT and not blamed) else GOOD
    return Line(line.p, line.at, line.seq, line.v, quality | BY_RECORD, written_us, line.d, line.n)


def _finding_of(run: str, gateway: GatewayClock, said: Said, written_us: int) -> Finding:
    """Its subject is no device and of no enterprise: the monitoring centre alone sees it."""
    subject, rule = f"ingest/{run}", gateway_clock.RULE.name
    return Finding(
        id=finding_id(subject, rule, *first_of(gateway.told, rule, said)),
        version=said.version,
        change=said.change,
        subject=subject,
        device="",
        rule=rule,
        severity=said.severity,
        start_us=said.start_us,
        end_us=said.end_us,
        measured_us=written_us,
        received_us=written_us,
        detail=said.detail,
    )


def _holds(gateway: GatewayClock, said_us: int, written_us: int) -> bool:
    """Whether the newest word of a pack may be true."""
    if gateway.trust is Trust.WRONG or said_us > written_us + TOLERANCE_US:
        return False
    if gateway.trust is Trust.UNPROVED:
        return said_us >= written_us - TOLERANCE_US
    return said_us >= gateway.own_us - TOLERANCE_US  # what follows a clock line was not received before it


def _is_repeated(gateway: GatewayClock, line: Line) -> bool:
    """A pack that was sent again by a new producer: its line is as old as it was."""
    return bool(line.seq and gateway.appended and line.seq <= gateway.appended[-1][0])


def _judge(gateway: GatewayClock, line: Line, written_us: int) -> Said | None:
    """Moves the gateway's trust by one line."""
    off_us = line.at - written_us if written_us else 0
    if off_us > TOLERANCE_US or (off_us < -TOLERANCE_US and _is_behind(gateway, line)):
        gateway.trust = Trust.WRONG
        gateway.wrong, said = gateway_clock.step(gateway.wrong, written_us, off_us)
        return said
    if gateway.wrong:
        if abs(off_us) > SLACK_US:
            return None
        gateway.wrong, said = gateway_clock.sound(gateway.wrong, written_us)
        gateway.trust = Trust.WRONG if gateway.wrong else Trust.RIGHT
        return said
    proved = off_us >= -TOLERANCE_US or _appended_before(gateway, line) is not None
    gateway.trust = Trust.RIGHT if proved else gateway.trust
    return None


def _is_behind(gateway: GatewayClock, line: Line) -> bool:
    """No waiting explains it: the clock went back, or an earlier line was not yet appended at the time it says."""
    if gateway.trust is Trust.RIGHT and line.at < gateway.own_us - SLACK_US:
        return True
    before_us = _appended_before(gateway, line)
    return before_us is not None and line.at < before_us - SLACK_US


def _appended_before(gateway: GatewayClock, line: Line) -> int | None:
    """When the newest line was appended that was surely confirmed as this one was made; None when that is not known."""
    known: Sequence[tuple[int, int]] = gateway.appended
    earlier = [at_us for ordinal, at_us in known if ordinal <= line.seq - CLOCKS_UNDER_WAY]
    return earlier[-1] if earlier else None
