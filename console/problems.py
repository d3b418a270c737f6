"""Errors as RFC 9457 problems with a sentence in zh and en: what the page and other programs get to read."""

import math
from collections.abc import Awaitable, Callable
from typing import Any, Final

import msgspec
import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from schemas.errors import Temporary
from schemas.refusal import Ground, Refusal, Refused

STATUS: Final = {
    Ground.INVALID: 422,
    Ground.SIGNED_OUT: 401,
    Ground.FORBIDDEN: 403,
    Ground.NOT_FOUND: 404,
    Ground.CONFLICT: 409,
    Ground.TOO_MANY: 429,
    Ground.UNAVAILABLE: 503,
}
SIGNED_OUT: Final = Refusal(Ground.SIGNED_OUT, "signed_out", "请先登录。", "Please sign in.")
WRONG_PASSWORD: Final = Refusal(
    Ground.SIGNED_OUT, "wrong_password", "用户名或密码不对。", "That name and password do not match."
)
NO_CSRF_HEADER: Final = Refusal(
    Ground.FORBIDDEN,
    "header_missing",
    "缺少请求头 X-Coldwatch: 1(防止跨站请求)。",
    "The header X-Coldwatch: 1 is missing (it keeps foreign sites from acting for you).",
)
UNAVAILABLE: Final = Refusal(
    Ground.UNAVAILABLE,
    "unavailable",
    "数据库暂时无法访问，请稍后重试。",
    "The database cannot be reached just now; try again shortly.",
)
NOT_FOUND: Final = Refusal(
    Ground.NOT_FOUND, "not_found", "没有这个地址。", "There is nothing at this address."
)
BROKEN: Final = ("internal", "服务器出错，已记入日志。", "The server made an error; it is in the log.")


def problem(
    status: int, code: str, zh: str, en: str, headers: dict[str, str] | None = None, **more: Any
) -> Response:
    """The body {status, code, title, title_zh, title_en, ...}; `title` is the English one, for foreign programs."""
    body = {
        "type": "about:blank",
        "status": status,
        "code": code,
        "title": en,
        "title_zh": zh,
        "title_en": en,
    }
    content = msgspec.json.encode(body | more)
    return Response(content, status, headers, media_type="application/problem+json")


def problem_of(refusal: Refusal, retry_after_s: float | None = None) -> Response:
    headers = {} if retry_after_s is None else {"Retry-After": str(max(1, math.ceil(retry_after_s)))}
    return problem(STATUS[refusal.ground], refusal.code, refusal.zh, refusal.en, headers)


def install(app: FastAPI) -> None:
    """Every error of the app becomes a problem."""
    handlers: dict[type[Exception], Callable[[Request, Any], Awaitable[Response]]] = {
        Refused: _refused,
        Temporary: _temporary,
        RequestValidationError: _invalid,
        HTTPException: _http,
        Exception: _broken,
    }
    for kind, handler in handlers.items():
        app.add_exception_handler(kind, handler)


async def _refused(request: Request, error: Refused) -> Response:
    return problem_of(error.refusal, error.retry_after_s)


async def _temporary(request: Request, error: Temporary) -> Response:
    structlog.get_logger().warning("unavailable", path=request.url.path, reason=str(error))
    return problem_of(UNAVAILABLE, error.delay_s)


async def _invalid(request: Request, error: RequestValidationError) -> Response:
    # Without the values: a mistyped sign-in must not echo its password.
    where = [".".join(str(part) for part in one["loc"]) + ": " + str(one["msg"]) for one in error.errors()]
    listed = "; ".join(where)[:1000]
    return problem(422, "invalid", f"请求的参数不对：{listed}", f"The request is not right: {listed}")


async def _http(request: Request, error: HTTPException) -> Response:
    if error.status_code == 404:
        return problem_of(NOT_FOUND)
    detail = str(error.detail)
    headers = dict(error.headers or {})
    return problem(error.status_code, f"http_{error.status_code}", f"请求无法处理：{detail}", detail, headers)


async def _broken(request: Request, error: Exception) -> Response:
    code, zh, en = BROKEN
    structlog.get_logger().error("request_failed", path=request.url.path, kind=type(error).__name__)
    return problem(500, code, zh, en)
