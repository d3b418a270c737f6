"""Serves the page: files of console/page by Starlette, always asked for again; nothing else of the file system."""

import mimetypes
from pathlib import Path
from typing import Any, Final

from fastapi import APIRouter, Request, Response
from starlette.exceptions import HTTPException
from starlette.staticfiles import StaticFiles

from console.problems import NOT_FOUND
from schemas.refusal import Refused

SERVED: Final = frozenset({".html", ".js", ".css", ".svg", ".json", ".png", ".ico", ".woff2", ".mp3", ".txt"})
mimetypes.add_type("text/javascript", ".js")  # some machines say otherwise, and a browser then runs nothing


class PageFiles(StaticFiles):
    """The kinds of files that a page is made of; a browser asks each time and is nearly always told "not modified"."""

    async def get_response(self, path: str, scope: Any) -> Response:
        """Raises Refused when there is no such file."""
        if Path(path).suffix not in SERVED:
            raise Refused(NOT_FOUND)
        try:
            response: Response = await super().get_response(path, scope)
        except HTTPException as error:
            raise Refused(NOT_FOUND) from error
        response.headers["Cache-Control"] = "no-cache"
        return response


def routes(directory: Path) -> APIRouter:
    """GET / and GET /static/..."""
    router = APIRouter()
    files = PageFiles(directory=directory)

    @router.api_route("/", methods=["GET", "HEAD"])
    async def index(request: Request) -> Response:
        return await files.get_response("index.html", request.scope)

    @router.api_route("/static/{path:path}", methods=["GET", "HEAD"])
    async def static(request: Request, path: str) -> Response:
        return await files.get_response(path, request.scope)

    @router.api_route("/favicon.ico", methods=["GET", "HEAD"])
    async def favicon(request: Request) -> Response:
        return await files.get_response("icon.svg", request.scope)

    return router
