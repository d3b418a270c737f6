"""The program as its users have it, twice: a demo of one minute, and a running program for the page and the tools."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.e2e import program as running
from tests.e2e.demo_run import DemoRun, run_demo
from tests.e2e.program import Program
from tests.servers import missing, new_home

ROOT = Path(__file__).resolve().parents[2]
PICTURES = ROOT / "reports" / "e2e"
CHROMIUM = "/usr/bin/chromium"


def require(absent: str) -> None:
    """Skips here with the reason; fails where CI is set."""
    if absent and os.environ.get("CI"):
        pytest.fail(absent)
    if absent:
        pytest.skip(absent)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The demo first: it wants the machine for itself."""
    items.sort(key=lambda item: item.fspath.basename != "test_demo.py")


@pytest.fixture(scope="session")
def demo() -> Iterator[DemoRun]:
    """A finished run of `coldwatch demo` with DEMO_SECONDS=60 in an empty home directory."""
    require(missing())
    home = new_home()
    yield run_demo(home)
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def program() -> Iterator[Program]:
    """The running program with the city and its script of faults."""
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


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A fresh visitor in zh-CN. What the page complains of in its console fails the test at its end."""
    context = browser.new_context(locale="zh-CN", viewport={"width": 1366, "height": 768})
    context.set_default_timeout(20_000)
    made = context.new_page()
    complaints: list[str] = []
    made.on("pageerror", lambda error: complaints.append(str(error)))
    made.on("console", lambda m: complaints.append(m.text) if "Content Security Policy" in m.text else None)
    yield made
    context.close()
    assert not complaints
