"""The console's own routes: sign-in, status, the live stream, health."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Body, Depends, Query, Request, Response

from console.live import Live
from console.problems import SIGNED_OUT
from console.session import COOKIE, LONGEST_NAME, Sessions
from console.stream import EventStream
from schemas.errors import Temporary
from schemas.person import Viewer
from schemas.refusal import Refused
from schemas.rules import FactsTable


class Backlog(msgspec.Struct, frozen=True):
    """What waits on Kafka for the judge; None: not known just now."""

    lag_values: int | None = None
    oldest_unstored_s: float | None = None


def session_routes(sessions: Sessions, secure_cookie: bool, now: Callable[[], datetime]) -> APIRouter:
    router = APIRouter(prefix="/api/session")

    @router.post("")
    def sign_in(
        request: Request,
        name: Annotated[str, Body(min_length=1, max_length=LONGEST_NAME, pattern=r"^[^\x00]*$")],
        password: Annotated[str, Body(min_length=1, max_length=1000)],
    ) -> Response:
        address = request.client.host if request.client else ""
        signed = sessions.sign_in(name, password, address)
        response = answer(_described(signed.viewer))
        response.set_cookie(
            COOKIE,
            signed.cookie,
            max_age=round((signed.expires_at - now()).total_seconds()),
            path="/",
            secure=secure_cookie,
            httponly=True,
            samesite="strict",
        )
        return response

    @router.get("")
    def who(request: Request) -> Response:
        return answer(_described(sessions.require(request.cookies.get(COOKIE))))

    @router.delete("")
    def sign_out(request: Request) -> Response:
        sessions.sign_out(request.cookies.get(COOKIE))
        response = Response(status_code=204)
        response.delete_cookie(COOKIE, path="/", secure=secure_cookie, httponly=True, samesite="strict")
        return response

    return router


def live_routes(
    live: Live, sessions: Sessions, viewer: Callable[..., Viewer], backlog: Callable[[], Backlog]
) -> APIRouter:
    router = APIRouter(prefix="/api")
    signed_in = Depends(viewer)

    @router.get("/status")
    def status(viewer: Annotated[Viewer, signed_in]) -> Response:
        waiting = backlog()
        more = {
            "stream_at": live.stream_at,
            "lag_values": waiting.lag_values,
            "oldest_unstored_s": waiting.oldest_unstored_s,
        }
        return answer(live.ingest() | more)

    @router.get("/events")
    async def events(
        request: Request,
        viewer: Annotated[Viewer, signed_in],
        last_event: Annotated[int | None, Query(ge=0, le=2**63 - 1)] = None,
    ) -> Response:
        if live.is_new:
            raise Temporary(live.trouble)
        cookie = request.cookies.get(COOKIE)

        async def still_welcome() -> bool:
            try:
                found = await asyncio.to_thread(sessions.find, cookie)
                return found is not None and found[0] == viewer
            except Temporary:
                return True  # it cannot be asked; the next time will tell

        return EventStream(
            live.messages(viewer.scope, _resume_behind(request, last_event), viewer.role), still_welcome
        )

    return router


def rule_routes(facts: FactsTable) -> APIRouter:
    """What rules are called and how their incidents are shown: words of the page, nobody's data, for anybody."""
    router = APIRouter(prefix="/api")

    @router.get("/rules")
    async def rules() -> Response:
        return answer({"items": facts.rows})

    return router


def health_routes(ready: Callable[[], str]) -> APIRouter:
    """/healthz and /readyz on the page's own port, for what stands before it; metrics are on the health port alone."""
    router = APIRouter()

    @router.get("/healthz")
    async def healthz() -> Response:
        return Response("ok", media_type="text/plain")

    @router.get("/readyz")
    async def readyz() -> Response:
        sentence = ready()
        return Response(sentence or "ok", 503 if sentence else 200, media_type="text/plain")

    return router


def viewer_of(sessions: Sessions) -> Callable[..., Viewer]:
    """The dependency of every route that needs somebody signed in."""

    def viewer(request: Request) -> Viewer:
        cookie = request.cookies.get(COOKIE)
        if not cookie:
            raise Refused(SIGNED_OUT)
        return sessions.require(cookie)

    return viewer


def answer(content: Any) -> Response:
    """JSON as msgspec writes it: datetimes as RFC 3339 in UTC."""
    return Response(msgspec.json.encode(content), media_type="application/json")


def _described(viewer: Viewer) -> dict[str, Any]:
    return {"name": viewer.name, "role": viewer.role, "enterprise": viewer.enterprise}


def _resume_behind(request: Request, asked: int | None) -> int | None:
    """A browser that reconnects keeps the old address and adds the header: the later of the two holds."""
    header = request.headers.get("last-event-id", "")
    known = int(header) if header.isascii() and header.isdigit() and len(header) < 20 else None
    given = [id for id in (asked, known) if id is not None]
    return max(given) if given else None
