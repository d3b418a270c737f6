"""A gateway's clock is wrong: what it says is further from Kafka's own time than any waiting explains.

Its subject is `ingest/RUN`, no device and no enterprise: the monitoring centre alone sees it. The clock lines decide
(`processors.judge.stream_time`); every partition hears them, and one tells.
"""

from typing import Final

import msgspec

from processors.judge.rule import GatewayRule, Said
from schemas.finding import Change, Severity

SOUND_LINES: Final = 5


class WrongGateway(msgspec.Struct, gc=False):
    """A running episode, in Kafka's time. off_us: how far ahead the clock was at first, negative when behind.

    sound: right lines in a row, the first at sound_us.
    """

    start_us: int
    off_us: int
    version: int = 1
    sound: int = 0
    sound_us: int = 0


def step(wrong: WrongGateway | None, written_us: int, off_us: int) -> tuple[WrongGateway, Said | None]:
    """A line with a wrong time, appended at written_us."""
    if wrong is not None:
        wrong.sound = 0
        return wrong, None
    opened = WrongGateway(written_us, off_us)
    return opened, Said(Change.OPENED, 1, Severity.ORANGE, written_us, detail=_detail(opened))


def sound(wrong: WrongGateway, written_us: int) -> tuple[WrongGateway | None, Said | None]:
    """A line with a right time; SOUND_LINES in a row end the episode at the first of them."""
    if not wrong.sound:
        wrong.sound_us = written_us
    wrong.sound += 1
    if wrong.sound < SOUND_LINES:
        return wrong, None
    return None, end(wrong, wrong.sound_us)


def end(wrong: WrongGateway, end_us: int) -> Said:
    """The clock is right again, or the run has ended."""
    return Said(
        Change.CLOSED, wrong.version + 1, Severity.ORANGE, wrong.start_us, end_us, detail=_detail(wrong)
    )


def _detail(wrong: WrongGateway) -> dict[str, str]:
    return {"ahead_s": f"{wrong.off_us / 1e6:.1f}"}


RULE: Final = GatewayRule(
    name="gateway_clock",
    zh="接入网关的时钟与 Kafka 相差超过 5 秒；其间以 Kafka 的时间为准。时钟恢复正确后结束。",
    en="An ingest gateway's clock is more than 5 s off Kafka's, whose time holds meanwhile; it ends when both agree.",
)
