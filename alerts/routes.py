"""HTTP routes of incidents; the console mounts them. Queries run under the signed-in person's scope."""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from fastapi import APIRouter, Body, Depends, Query, Response

from alerts import incidents
from alerts.channels import CHANNELS
from alerts.journal_postgres import Cursor, PostgresJournal
from alerts.lifecycle import MAX_NOTE_CHARACTERS, NO_SUCH_INCIDENT, Acknowledge, Close, Command
from schemas.person import Act, Viewer, may
from schemas.refusal import Ground, Refusal, Refused
from schemas.rules import FACTS, FactsTable
from schemas.scope import Scope

MAY_NOT_ACKNOWLEDGE = Refusal(
    Ground.FORBIDDEN,
    "may_not_acknowledge",
    "您的角色只能查看，不能签收告警。",
    "Your role may look at incidents but not acknowledge them.",
)
MAY_NOT_CLOSE = Refusal(
    Ground.FORBIDDEN,
    "may_not_close",
    "只有监测中心人员可以关闭告警；请签收并写明处理情况。",
    "Only the monitoring centre closes incidents; acknowledge it and note what was done.",
)


MAY_NOT = {Act.ACKNOWLEDGE: MAY_NOT_ACKNOWLEDGE, Act.CLOSE: MAY_NOT_CLOSE}


@dataclass(frozen=True)
class Deps:
    """`begin` opens a transaction under a scope; `viewer` is the FastAPI dependency that names who asks."""

    begin: Callable[[Scope], AbstractContextManager[Cursor]]
    viewer: Callable[..., Viewer]
    now: Callable[[], datetime]
    facts: FactsTable = FACTS
    channels: Iterable[str] = tuple(CHANNELS)


def routes(deps: Deps) -> APIRouter:
    """GET incidents and one of them; POST acknowledge and close."""
    router = APIRouter(prefix="/api/incidents")
    signed_in = Depends(deps.viewer)
    note_in_body = Body(embed=True, max_length=2 * MAX_NOTE_CHARACTERS)

    @router.get("")
    def list_incidents(
        viewer: Annotated[Viewer, signed_in],
        state: Literal["open", "closed", "all"] = "open",
        limit: Annotated[int, Query(ge=1, le=1000)] = 200,
        before: Annotated[str | None, Query(max_length=400)] = None,
    ) -> Response:
        with deps.begin(viewer.scope) as cursor:
            # Asked first: what happens meanwhile comes again by the stream rather than not at all.
            last_event = incidents.last_event(cursor)
            items, following = incidents.list_incidents(cursor, state, limit, before)
        items = [incidents.for_role(item, viewer.role) for item in items]
        return answer({"items": items, "next": following, "last_event": last_event, "now": deps.now()})

    @router.get("/{id}")
    def show_incident(id: UUID, viewer: Annotated[Viewer, signed_in]) -> Response:
        with deps.begin(viewer.scope) as cursor:
            return shown(viewer, incidents.find_whole(cursor, str(id), deps.facts))

    @router.post("/{id}/acknowledge")
    def acknowledge(
        id: UUID, viewer: Annotated[Viewer, signed_in], note: Annotated[str, note_in_body] = ""
    ) -> Response:
        _require(viewer, Act.ACKNOWLEDGE)
        return handle(viewer, str(id), Acknowledge(viewer.name, note))

    @router.post("/{id}/close")
    def close(
        id: UUID, viewer: Annotated[Viewer, signed_in], note: Annotated[str, note_in_body] = ""
    ) -> Response:
        _require(viewer, Act.CLOSE)
        return handle(viewer, str(id), Close(viewer.name, note))

    def handle(viewer: Viewer, id: str, command: Command) -> Response:
        journal = PostgresJournal(lambda: deps.begin(viewer.scope), deps.channels)
        outcome = journal.handle(id, command, round(deps.now().timestamp() * 1_000_000))
        if isinstance(outcome, Refusal):
            raise Refused(outcome)
        with deps.begin(viewer.scope) as cursor:
            return shown(viewer, incidents.find(cursor, id))

    return router


def answer(content: Any) -> Response:
    """JSON as msgspec writes it: quick, and datetimes as RFC 3339 in UTC."""
    return Response(msgspec.json.encode(content), media_type="application/json")


def shown(viewer: Viewer, item: incidents.Item | None) -> Response:
    """Raises Refused for None: there is none that this person sees."""
    if item is None:
        raise Refused(NO_SUCH_INCIDENT)
    return answer(incidents.for_role(item, viewer.role))


def _require(viewer: Viewer, act: Act) -> None:
    if not may(viewer.role, act):
        raise Refused(MAY_NOT[act])
