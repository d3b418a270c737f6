"""A server-sent event stream as an HTTP response that ends when its reader is gone, too slow, or signed out."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

from fastapi import Response
from starlette.types import Receive, Scope, Send

SEND_TIMEOUT_S: Final = 15.0
RECHECK_MESSAGES: Final = 2
HEADERS: Final = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]


class EventStream(Response):
    """`messages` come at least every 2 s (ticks), so a reader that has left is noticed by then.

    `still_welcome` is asked every other message: a session that has ended ends its streams, and so does a person
    whose role or scope has changed; what comes next is asked for anew.
    """

    def __init__(self, messages: AsyncIterator[bytes], still_welcome: Callable[[], Awaitable[bool]]) -> None:
        super().__init__()
        self._messages = messages
        self._still_welcome = still_welcome

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        gone = asyncio.create_task(_left(receive))
        try:
            await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
            await send(_part(b"retry: 1000\n\n"))
            await self._pass_on(gone, send)
            if not gone.done():
                await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            gone.cancel()

    async def _pass_on(self, gone: "asyncio.Task[None]", send: Send) -> None:
        count = 0
        async for message in self._messages:
            if gone.done():
                return
            # A socket that takes nothing for so long is not read any more: the listener's queue is bounded anyway.
            async with asyncio.timeout(SEND_TIMEOUT_S):
                await send(_part(message))
            count += 1
            if count % RECHECK_MESSAGES == 0 and not await self._still_welcome():
                return


def _part(body: bytes) -> dict[str, object]:
    return {"type": "http.response.body", "body": body, "more_body": True}


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
