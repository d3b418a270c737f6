"""Serves the page: files of console/page with strong ETags; nothing else of the file system."""

import hashlib
import mimetypes
from functools import lru_cache
from pathlib import Path
from typing import Final

from fastapi import APIRouter, Request, Response

from console.problems import NOT_FOUND
from schemas.refusal import Refused

TYPES: Final = {
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".json": "application/json",
    ".css": "text/css",
}
SERVED: Final = frozenset({".html", ".js", ".css", ".svg", ".json", ".png", ".ico", ".woff2", ".mp3", ".txt"})


def routes(directory: Path) -> APIRouter:
    """GET / and GET /static/..."""
    router = APIRouter()
    root = directory.resolve()

    @router.api_route("/", methods=["GET", "HEAD"])
    def index(request: Request) -> Response:
        return _serve(request, root / "index.html")

    @router.api_route("/static/{path:path}", methods=["GET", "HEAD"])
    def static(request: Request, path: str) -> Response:
        file = (root / path).resolve()
        if not file.is_relative_to(root) or file.suffix not in SERVED or not file.is_file():
            raise Refused(NOT_FOUND)
        return _serve(request, file)

    @router.api_route("/favicon.ico", methods=["GET", "HEAD"])
    def favicon(request: Request) -> Response:
        return _serve(request, root / "icon.svg")

    return router


def _serve(request: Request, file: Path) -> Response:
    """Always asked for again, nearly always answered "not modified": a new version is seen at once."""
    stat = file.stat()
    content, etag = _load(file, stat.st_mtime_ns, stat.st_size)
    headers = {"ETag": etag, "Cache-Control": "no-cache"}
    asked = [tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")]
    if etag in asked:
        return Response(status_code=304, headers=headers)
    return Response(content, headers=headers, media_type=_type(file))


@lru_cache(maxsize=256)
def _load(file: Path, mtime_ns: int, size: int) -> tuple[bytes, str]:
    content = file.read_bytes()
    return content, f'"{hashlib.sha256(content).hexdigest()[:32]}"'


def _type(file: Path) -> str:
    return TYPES.get(file.suffix) or mimetypes.guess_type(file.name)[0] or "application/octet-stream"
