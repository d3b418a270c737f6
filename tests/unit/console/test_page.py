"""The page's files: strong ETags, nothing from outside of the folder."""

from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from console import page, problems
from console.gatekeeper import Gatekeeper


@pytest.fixture
def client(tmp_path: Path) -> httpx.AsyncClient:
    folder = tmp_path / "page"
    (folder / "app").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html>")
    (folder / "icon.svg").write_text("<svg/>")
    (folder / "app" / "main.js").write_text("export {};")
    (folder / "notes.py").write_text("secret")
    (tmp_path / "outside.js").write_text("secret")
    (folder / "link.js").symlink_to(tmp_path / "outside.js")
    app = FastAPI()
    app.add_middleware(Gatekeeper)
    problems.install(app)
    app.include_router(page.routes(folder))
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://page")


async def test_the_index_and_a_module_are_served_with_their_types(client) -> None:
    assert (await client.get("/")).headers["content-type"].startswith("text/html")
    assert (await client.get("/static/app/main.js")).headers["content-type"].startswith("text/javascript")


async def test_an_unchanged_file_is_not_sent_again_and_a_changed_one_is(client, tmp_path: Path) -> None:
    first = await client.get("/static/app/main.js")
    etag = first.headers["etag"]
    assert etag.startswith('"')
    again = await client.get("/static/app/main.js", headers={"If-None-Match": f'W/"x", {etag}'})
    assert (again.status_code, again.content) == (304, b"")
    (tmp_path / "page" / "app" / "main.js").write_text("export const changed = 1;")
    changed = await client.get("/static/app/main.js", headers={"If-None-Match": etag})
    assert (changed.status_code, changed.text) == (200, "export const changed = 1;")


@pytest.mark.parametrize(
    "path",
    ["/static/../outside.js", "/static/%2e%2e/outside.js", "/static//etc/passwd", "/static/link.js", "/static/notes.py",
     "/static/app", "/static/none.js"],
)  # fmt: skip
async def test_nothing_else_is_served(client, path: str) -> None:
    answer = await client.get(path)
    assert answer.status_code == 404
    assert "secret" not in answer.text


async def test_a_body_without_a_length_is_bounded_too(client) -> None:
    app = FastAPI()
    app.add_middleware(Gatekeeper)
    problems.install(app)

    @app.post("/api/take")
    async def take(body: dict) -> int:
        return len(body)

    async def endless():
        for _ in range(100):
            yield b"x" * 1024

    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://page") as other:
        answer = await other.post("/api/take", content=endless(), headers={"X-Coldwatch": "1"})
    assert answer.status_code == 413
