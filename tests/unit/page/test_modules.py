"""The page's pure modules, each case of `cases/*.js` run by itself in a real browser far from Shanghai."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from playwright.sync_api import Page, Route, sync_playwright

from schemas.rules import FACTS

CHROMIUM = "/usr/bin/chromium"
CASES = Path(__file__).parent / "cases"
PAGE = Path(__file__).resolve().parents[3] / "console" / "page"
ORIGIN = "http://page.test/"
TYPES = {".js": "text/javascript", ".json": "application/json"}
NAMED = {
    file.name: re.findall(r'^  (?:async )?"(.+)"\(\) \{$', file.read_text(encoding="utf-8"), re.MULTILINE)
    for file in sorted(CASES.glob("*.js"))
    if file.name != "check.js"
}
RUN = "async ([file, name]) => void await (await import(`/cases/${file}`)).cases[name]()"


def answer(route: Route) -> None:
    """Gives the browser the page's own files, the cases, and an empty document; it reaches nothing else."""
    path = route.request.url.removeprefix(ORIGIN)
    if not path:
        return route.fulfill(content_type="text/html", body="<!doctype html><title>cases</title>")
    if path == "api/rules":
        return route.fulfill(content_type="application/json", body=msgspec.json.encode({"items": FACTS.rows}))
    folder, _, name = path.partition("/")
    file = {"static": PAGE, "cases": CASES}.get(folder, CASES) / name
    if not file.is_file():
        return route.fulfill(status=404)
    return route.fulfill(content_type=TYPES.get(file.suffix, "text/plain"), body=file.read_bytes())


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    if not Path(CHROMIUM).exists():
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"no {CHROMIUM}: run `make setup`")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        context = chromium.new_context(timezone_id="America/New_York", locale="en-US")
        made = context.new_page()
        made.route("**/*", answer)
        made.goto(ORIGIN)
        yield made
        chromium.close()


@pytest.mark.parametrize(("file", "name"), [(file, name) for file, names in NAMED.items() for name in names])
def test_case(page: Page, file: str, name: str) -> None:
    page.evaluate(RUN, [file, name])


@pytest.mark.parametrize("file", NAMED)
def test_every_case_of_a_file_is_run(page: Page, file: str) -> None:
    there = page.evaluate("async (file) => Object.keys((await import(`/cases/${file}`)).cases)", file)
    assert there == NAMED[file] != []


def test_a_case_that_does_not_hold_fails(page: Page) -> None:
    with pytest.raises(Exception, match="expected 2, got 1"):
        page.evaluate("async () => (await import('/cases/check.js')).equal(1, 2)")
