"""The web application: mounts each stage's routes behind sign-in. Building it opens nothing."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from fastapi import FastAPI

import alerts.routes
import history.routes
from alerts import incidents
from console import page, problems
from console.gatekeeper import Gatekeeper
from console.live import Live
from console.routes import Backlog, health_routes, live_routes, rule_routes, session_routes, viewer_of
from console.session import Cursor, Sessions, write_audit
from history import records
from schemas import scope
from schemas.person import Viewer
from schemas.rules import FACTS, FactsTable
from schemas.scope import Scope
from schemas.topics import READINGS

PAGE = Path(__file__).parent / "page"


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Deps:
    """What the front door hands down. `begin(scope)` is a transaction of role web; `evidence` finds a picture."""

    begin: Callable[[Scope], AbstractContextManager[Cursor]]
    evidence: Callable[[str], bytes | None]
    backlog: Callable[[], Backlog] = Backlog
    prefix: str = ""
    session_lifetime: timedelta = timedelta(hours=12)
    secure_cookie: bool = False
    page: Path = PAGE
    facts: FactsTable = FACTS
    now: Callable[[], datetime] = field(default=utc_now)
    news: Callable[[float], object] | None = None


def build(deps: Deps) -> FastAPI:
    """The application; `app.state.live` is its stream, which begins with the application's own life."""
    live = Live(_Source(deps), deps.now, deps.news, item_for=incidents.for_role)
    sessions = Sessions(deps.begin, deps.session_lifetime, deps.now)
    viewer = viewer_of(sessions)

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        live.start(asyncio.get_running_loop())
        yield
        live.close()

    app = FastAPI(title="coldwatch", lifespan=life, docs_url=None, redoc_url=None, openapi_url=None)
    app.state.live = live
    app.add_middleware(Gatekeeper)
    problems.install(app)
    app.include_router(session_routes(sessions, deps.secure_cookie, deps.now))
    app.include_router(live_routes(live, sessions, viewer, deps.backlog))
    app.include_router(history.routes.routes(_history_deps(deps, viewer)))
    app.include_router(alerts.routes.routes(alerts.routes.Deps(deps.begin, viewer, deps.now, deps.facts)))
    app.include_router(rule_routes(deps.facts))
    app.include_router(health_routes(lambda: live.trouble))
    app.include_router(page.routes(deps.page))
    return app


def _history_deps(deps: Deps, viewer: Callable[..., Viewer]) -> history.routes.Deps:
    return history.routes.Deps(
        begin=deps.begin,
        viewer=viewer,
        now=deps.now,
        evidence=deps.evidence,
        devices_incidents=incidents.of_device,
        viewed=_book_view,
        facts=deps.facts,
    )


def _book_view(cursor: Cursor, viewer: Viewer, sha256: str) -> None:
    """Who looked at which picture is for the record: it may show people."""
    write_audit(cursor, viewer.name, "frame_viewed", sha256)


class _Source:
    """The live stream's questions, each a transaction of role web."""

    def __init__(self, deps: Deps) -> None:
        self._begin = deps.begin
        self._topic = deps.prefix + READINGS.name

    def last_event(self) -> int:
        with self._begin(scope.ALL) as cursor:
            return incidents.last_event(cursor)

    def events(self, seen: Scope, after: int, upto: int | None, limit: int) -> Sequence[incidents.LiveRow]:
        with self._begin(seen) as cursor:
            return incidents.events_after(
                cursor, after, limit, incidents.MAX_BIGINT if upto is None else upto
            )

    def stream_at(self) -> datetime | None:
        with self._begin(scope.ALL) as cursor:
            return records.stream_at(cursor, self._topic)
