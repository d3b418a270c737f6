"""The program as its users have it, twice: a demo of one minute, and a running program for the page and the tools."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Browser, Page, StorageState, expect, sync_playwright

if TYPE_CHECKING:
    from tests.e2e.demo_run import DemoRun
    from tests.e2e.program import Program

ROOT = Path(__file__).resolve().parents[2]
PICTURES = ROOT / "reports" / "e2e"
CHROMIUM = "/usr/bin/chromium"


def require(absent: str) -> None:
    """Skips here with the reason; fails where CI is set."""
    if absent and os.environ.get("CI"):
        pytest.fail(absent)
    if absent:
        pytest.skip(absent)


@pytest.fixture(scope="session")
def demo() -> "Iterator[DemoRun]":
    """A finished run of `coldwatch demo` with DEMO_SECONDS=60 in an empty home directory."""
    from tests.e2e.demo_run import run_demo
    from tests.servers import missing, new_home

    require(missing())
    home = new_home()
    yield run_demo(home)
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def program() -> "Iterator[Program]":
    """The running program with the city and its script of faults."""
    from tests.e2e import program as running
    from tests.servers import missing, new_home

    require(missing())
    home = new_home()
    started = running.start(home)
    yield started
    running.stop(started)
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    require("" if Path(CHROMIUM).exists() else f"no {CHROMIUM}: run `make setup`")
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def pictures() -> Path:
    """Where screenshots go: outside of what is committed."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    return PICTURES


@pytest.fixture(scope="session")
def signed_in(browser: Browser, program: "Program") -> StorageState:
    """The cookie of the signed-in administrator, so that only the test of signing in has to do it by hand."""
    context = browser.new_context()
    body = {"name": program.login.name, "password": program.login.password}
    answer = context.request.post(f"{program.url}api/session", data=body, headers={"X-Coldwatch": "1"})
    assert answer.ok, answer.text()
    state = context.storage_state()
    context.close()
    return state


@contextmanager
def visit(browser: Browser, state: StorageState | None = None) -> Iterator[Page]:
    """A visitor in zh-CN. What the page itself complains of fails the test at its end."""
    context = browser.new_context(
        locale="zh-CN", viewport={"width": 1366, "height": 768}, storage_state=state
    )
    context.set_default_timeout(20_000)
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda m: complaints.append(m.text) if "Content Security Policy" in m.text else None)
    yield page
    context.close()
    assert not complaints


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A visitor who has not signed in."""
    with visit(browser) as made:
        yield made


@pytest.fixture
def console(browser: Browser, program: "Program", signed_in: StorageState) -> Iterator[Page]:
    """The page with the administrator signed in and the live stream alive."""
    with visit(browser, signed_in) as made:
        made.goto(program.url)
        expect(made.get_by_test_id("live")).to_have_attribute("data-state", "live", timeout=20_000)
        yield made
