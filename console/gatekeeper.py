"""What every request passes: bounds on its size and text, the header against cross-site requests, headers of safety."""

from typing import Any, Final
from urllib.parse import unquote_to_bytes

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from console.problems import NO_CSRF_HEADER, problem, problem_of

MOST_BODY_BYTES: Final = 64 * 1024
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
HEADERS: Final = {
    b"content-security-policy": (
        b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self';"
        b" font-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
    ),
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"no-referrer",
    b"cross-origin-opener-policy": b"same-origin",
    b"cross-origin-resource-policy": b"same-origin",
    b"permissions-policy": b"camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


class Gatekeeper:
    """ASGI middleware."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        safely = _with_headers(send, scope["path"])
        if (refusal := _refuse(scope)) is not None:
            await refusal(scope, receive, safely)
            return
        await self._app(scope, _bounded(receive), safely)


def _refuse(scope: Scope) -> Any:
    headers = dict(scope["headers"])
    if b"\0" in unquote_to_bytes(scope.get("raw_path") or b"") + unquote_to_bytes(scope["query_string"]):
        return problem(400, "nul", "地址中不能有 NUL 字符。", "An address cannot hold the NUL character.")
    length = headers.get(b"content-length", b"0")
    if not length.isdigit() or int(length) > MOST_BODY_BYTES:
        return problem(
            413, "too_large", "请求太大，最多 64 KiB。", "The request is too large; 64 KiB at most."
        )
    if scope["method"] not in SAFE_METHODS and headers.get(b"x-coldwatch") != b"1":
        return problem_of(NO_CSRF_HEADER)
    return None


def _bounded(receive: Receive) -> Receive:
    received = 0

    async def bounded() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > MOST_BODY_BYTES:
            raise HTTPException(413, "64 KiB at most")  # a body that came without its length
        return message

    return bounded


def _with_headers(send: Send, path: str) -> Send:
    private = path.startswith("/api/")

    async def safely(message: Message) -> None:
        if message["type"] == "http.response.start":
            present = {name.lower() for name, _value in message["headers"]}
            added = [(name, value) for name, value in HEADERS.items() if name not in present]
            if private and b"cache-control" not in present:
                added.append((b"cache-control", b"no-store"))
            message = {**message, "headers": [*message["headers"], *added]}
        await send(message)

    return safely
