"""HTTP routes of curves, devices, results and frames; the console mounts them. Queries run under the person's scope."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends, Path, Query, Response

from history import curve, devices, records
from history.curve import Cursor
from history.devices import Evidence
from schemas.person import Viewer
from schemas.refusal import Ground, Refusal, Refused
from schemas.rules import FACTS, FactsTable
from schemas.scope import Scope

NO_SUCH_DEVICE = Refusal(
    Ground.NOT_FOUND,
    "no_such_device",
    "没有这台设备，或您无权查看。",
    "There is no such device, or it is not yours to see.",
)
NO_SUCH_IMAGE = Refusal(
    Ground.NOT_FOUND,
    "no_such_image",
    "没有这张图片，或您无权查看。",
    "There is no such picture, or it is not yours to see.",
)
BAD_SPAN = Refusal(
    Ground.INVALID,
    "bad_span",
    "时间范围无效：from 和 to 必须带时区，且 from 早于 to。",
    "That is no span of time: from and to need an offset, and from must lie before to.",
)


@dataclass(frozen=True)
class Deps:
    """`devices_incidents` is what the alerts stage knows of a device; `viewed` books that a person saw a picture."""

    begin: Callable[[Scope], AbstractContextManager[Cursor]]
    viewer: Callable[..., Viewer]
    now: Callable[[], datetime]
    evidence: Evidence
    devices_incidents: Callable[[Cursor, str], list[dict[str, Any]]]
    viewed: Callable[[Cursor, Viewer, str], None]
    facts: FactsTable = FACTS


def routes(deps: Deps) -> APIRouter:
    router = APIRouter(prefix="/api")
    _mount_curves(router, deps)
    _mount_devices(router, deps)
    _mount_records(router, deps)
    return router


def _mount_curves(router: APIRouter, deps: Deps) -> None:
    signed_in = Depends(deps.viewer)

    @router.get("/incidents/{id}/curve")
    def incident_curve(id: UUID, viewer: Annotated[Viewer, signed_in]) -> Response:
        with deps.begin(viewer.scope) as cursor:
            return answer(curve.of_incident(cursor, str(id), deps.now(), deps.facts))

    @router.get("/devices/{id}/curve")
    def device_curve(
        id: str,
        viewer: Annotated[Viewer, signed_in],
        metric: Annotated[str | None, Query(max_length=100)] = None,
        begin: Annotated[datetime | None, Query(alias="from")] = None,
        end: Annotated[datetime | None, Query(alias="to")] = None,
    ) -> Response:
        _check_span(begin, end)
        with deps.begin(viewer.scope) as cursor:
            return answer(curve.of_device(cursor, id, metric, begin, end, deps.now(), deps.facts))


def _mount_devices(router: APIRouter, deps: Deps) -> None:
    signed_in = Depends(deps.viewer)

    @router.get("/devices")
    def list_devices(viewer: Annotated[Viewer, signed_in]) -> Response:
        now = deps.now()
        with deps.begin(viewer.scope) as cursor:
            return answer({"items": devices.board(cursor, now, facts=deps.facts), "now": now})

    @router.get("/devices/{id}")
    def show_device(id: str, viewer: Annotated[Viewer, signed_in]) -> Response:
        with deps.begin(viewer.scope) as cursor:
            found = devices.board(cursor, deps.now(), id, deps.facts)
            if not found:
                raise Refused(NO_SUCH_DEVICE)
            whole = {
                "rejections": devices.rejections(cursor, id, deps.evidence),
                "incidents": deps.devices_incidents(cursor, id),
                "ledger": devices.ledger(cursor, id),
            }
        return answer(found[0] | whole)


def _mount_records(router: APIRouter, deps: Deps) -> None:
    signed_in = Depends(deps.viewer)
    Limit = Annotated[int, Query(ge=1, le=1000)]  # noqa: N806
    Name = Annotated[str | None, Query(max_length=200)]  # noqa: N806

    @router.get("/results")
    def list_results(
        viewer: Annotated[Viewer, signed_in], limit: Limit = 100, device: Name = None
    ) -> Response:
        with deps.begin(viewer.scope) as cursor:
            return answer({"items": records.results(cursor, limit, device)})

    @router.get("/frames")
    def list_frames(viewer: Annotated[Viewer, signed_in], limit: Limit = 50, camera: Name = None) -> Response:
        with deps.begin(viewer.scope) as cursor:
            return answer({"items": records.frames(cursor, limit, camera)})

    @router.get("/frames/{sha256}/image")
    def show_image(
        sha256: Annotated[str, Path(pattern="^[0-9a-f]{64}$")], viewer: Annotated[Viewer, signed_in]
    ) -> Response:
        with deps.begin(viewer.scope) as cursor:
            media_type = records.media_type(cursor, sha256)
            if media_type is not None:
                deps.viewed(cursor, viewer, sha256)
        image = deps.evidence(sha256) if media_type in ("image/jpeg", "image/png") else None
        if image is None:
            raise Refused(NO_SUCH_IMAGE)
        return Response(
            image, media_type=media_type, headers={"Cache-Control": "private, max-age=3600, immutable"}
        )


def answer(content: Any) -> Response:
    """JSON as msgspec writes it: quick, and datetimes as RFC 3339 in UTC."""
    return Response(msgspec.json.encode(content), media_type="application/json")


def _check_span(begin: datetime | None, end: datetime | None) -> None:
    moments = [moment for moment in (begin, end) if moment is not None]
    if any(moment.tzinfo is None for moment in moments) or moments != sorted(set(moments)):
        raise Refused(BAD_SPAN)
