"""Brings committed findings to their topic: nothing leaves before it is committed, everything committed leaves.

Unsent rows of the owned partitions are sent, the broker's confirmation is awaited, then they are marked. A crash in
between sends some twice; a reader goes by version. Notices for the devices go the same way, and are lost in a crash:
what they speak of is in the rejections.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import structlog

from processors.worker import meters
from processors.worker.offsets import Unsent
from processors.worker.work import Place
from schemas.errors import Temporary
from schemas.finding import Finding, encode_finding
from schemas.rejection import Rejection, encode_rejection
from schemas.topics import FINDINGS, NOTICES, partition_of

LOOK_EVERY_S = 10.0
"""Unasked. It is woken when a batch has made findings and when partitions are claimed."""
AFTER_TROUBLE_S = 1.0


class Drain:
    """`send` hands one record to the broker and returns a future of its confirmation (aiokafka's `send`)."""

    def __init__(
        self,
        unsent: Unsent,
        places: Callable[[], Sequence[Place]],
        notices: deque[Rejection],
        prefix: str,
    ) -> None:
        self._unsent = unsent
        self._places = places
        self._notices = notices
        self._prefix = prefix
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """There is something new. Call in the loop's thread."""
        self._woken.set()

    async def run(self, producer: Any, in_thread: Callable[..., Any]) -> None:
        """Until cancelled. in_thread(function, *args) runs blocking database work."""
        while True:
            try:
                while await self._once(producer, in_thread):
                    pass
                await self._wait(LOOK_EVERY_S)
            except Exception as error:  # the broker or the database is away: the rows wait, so do we
                if not _can_pass(error):
                    raise
                structlog.get_logger().warning("findings_wait", reason=str(error))
                await asyncio.sleep(AFTER_TROUBLE_S)

    async def _once(self, producer: Any, in_thread: Callable[..., Any]) -> int:
        self._woken.clear()
        await self._send_notices(producer)
        findings: list[Finding] = await in_thread(self._unsent.fetch, self._places())
        if findings:
            confirmations = [
                await producer.send(
                    self._prefix + FINDINGS.name,
                    value=encode_finding(finding),
                    key=finding.subject.encode(),
                    partition=partition_of(finding.subject, FINDINGS.partitions),
                )
                for finding in findings
            ]
            await asyncio.gather(*confirmations)
            await in_thread(self._unsent.sent, findings)
            meters.SENT.inc(len(findings))
        return len(findings)

    async def _send_notices(self, producer: Any) -> None:
        while self._notices:
            notice = self._notices.popleft()
            await producer.send(
                self._prefix + NOTICES.name, value=encode_rejection(notice), key=notice.device.encode()
            )

    async def _wait(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._woken.wait(), seconds)


def _can_pass(error: Exception) -> bool:
    """Temporary, or a Kafka error that a new attempt may cure."""
    return isinstance(error, (Temporary, TimeoutError)) or bool(getattr(error, "retriable", False))
