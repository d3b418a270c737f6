"""The page for everybody: axe on every page of it; a phone, a small screen and print; 3,000 incidents in the list.

`COLDWATCH_PICTURES=folder` keeps a picture of each page at each size.
"""

import hashlib
import os
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import psycopg2
import pytest
from playwright.sync_api import Browser, Page, StorageState, ViewportSize, expect, sync_playwright

from alerts.channels import CHANNELS
from alerts.journal import Batch
from alerts.journal_postgres import PostgresJournal
from coldwatch.wiring.transactions import Single
from schemas.finding import Finding, Severity
from schemas.person import Role
from tests import tenants
from tests.consoles import PASSWORD, RunningConsole
from tests.findings import START_US, finding
from tests.servers import Servers

pytestmark = pytest.mark.long

CHROMIUM = "/usr/bin/chromium"
VENDOR = Path(__file__).resolve().parents[1] / "vendor" / "axe-core"
AXE = (VENDOR / "axe.min.js").read_text(encoding="utf-8")
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
RUN = "async (tags) => (await axe.run({ runOnly: { type: 'tag', values: tags } })).violations"
SIZES = {"phone": (390, 844), "small": (1366, 768), "large": (1920, 1080)}
MANY = 3000
FINGER_PX = 40
TOUCHED_BELOW = """(px) => [...document.querySelectorAll("button, input, a.quiet, .rail-item")]
  .filter((it) => it.checkVisibility({ visibilityProperty: true }) && it.getBoundingClientRect().height < px)
  .map((it) => `${it.outerHTML.slice(0, 70)}: ${it.getBoundingClientRect().height}`)"""
A4: ViewportSize = {"width": 688, "height": 1017}
"""What 14 mm of margin leave of the sheet, in CSS pixels."""


class House:
    """A console of its own, its tenant's names, and a browser that is signed in to it."""

    def __init__(self, console: RunningConsole, tenant: tenants.Tenant, browser: Browser, url: str) -> None:
        self.console, self.tenant, self.browser, self.url = console, tenant, browser, url
        context = browser.new_context()
        answer = context.request.post(
            f"{console.url}/api/session",
            data={"name": "li", "password": PASSWORD},
            headers={"X-Coldwatch": "1"},
        )
        assert answer.ok
        self.state: StorageState = context.storage_state()
        context.close()
        self.shown = {
            "incidents": "[data-testid=incident]",
            "incident": ".curve-box canvas",
            "test": "[data-testid=result]",
            "devices": "[data-testid=device]",
            "device": ".curve-box canvas",
            "results": "[data-testid=result-row]",
            "frames": "[data-testid=camera]",
            "camera": ".sub-head",
        }
        self.pages = {
            "incidents": "#/incidents",
            "incident": f"#/incidents/{tenant.excursion}",
            "test": f"#/incidents/{tenant.positive_test}",
            "devices": "#/devices",
            "device": f"#/devices/{tenant.probe}",
            "results": "#/results",
            "frames": "#/frames",
            "camera": f"#/frames/{tenant.camera}",
        }

    def open(self, page: Page, name: str) -> None:
        page.goto(f"{self.console.url}/{self.pages[name]}")
        # No gateway is there, so the ingest has stalled; the page is up when it says so.
        expect(page.get_by_test_id("live")).to_have_attribute("data-state", "stalled", timeout=20_000)
        page.locator(self.shown[name]).first.wait_for()


@pytest.fixture(scope="module")
def house(servers: Servers) -> Iterator[House]:
    assert Path(CHROMIUM).exists(), f"no {CHROMIUM}: run `make setup`"
    database = servers.fresh_database()
    mine, theirs = tenants.fill(database.pipeline_url, "jinyang", "hedong")
    many(database.pipeline_url, theirs.probe)
    console = RunningConsole(database.web_url)
    console.start()
    console.add_person("li", Role.OPERATOR)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        yield House(console, mine, browser, database.pipeline_url)
        browser.close()
    console.stop()
    servers.drop_database(database)


def many(url: str, device: str) -> None:
    """So many open incidents of one device, each of a minute of its own."""
    found = [
        finding(device=device, start_us=START_US + number * 60_000_000, severity=Severity.YELLOW)
        for number in range(MANY)
    ]
    apply(url, found)


def apply(url: str, found: list[Finding]) -> None:
    single = Single(partial(psycopg2.connect, url))
    PostgresJournal(single.begin, CHANNELS).apply(Batch(found, {}, ""), START_US)
    single.close()


def visit(house: House, size: str, language: str = "zh-CN", signed_in: bool = True) -> Page:
    width, height = SIZES[size]
    context = house.browser.new_context(
        locale=language,
        viewport={"width": width, "height": height},
        storage_state=house.state if signed_in else None,
        has_touch=size == "phone",
    )
    context.add_init_script(f"localStorage.setItem('coldwatch.language', '{language}')")
    context.set_default_timeout(20_000)
    return context.new_page()


def keep(page: Page, name: str) -> None:
    if folder := os.environ.get("COLDWATCH_PICTURES"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=Path(folder) / f"{name}.png")


def violations(page: Page) -> list[str]:
    page.evaluate(AXE)
    return [
        f"{found['id']}: {found['help']}: {[node['html'][:160] for node in found['nodes'][:3]]}"
        for found in page.evaluate(RUN, TAGS)
    ]


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_axe_finds_nothing_where_one_signs_in(house: House, language: str) -> None:
    page = visit(house, "small", language, signed_in=False)
    page.goto(house.console.url)
    page.get_by_test_id("sign-in-name").wait_for()
    keep(page, f"sign-in-{language}")
    assert violations(page) == []
    page.context.close()


@pytest.mark.parametrize(("language", "size"), [("zh-CN", "phone"), ("en", "small")])
def test_axe_finds_nothing_on_any_page(house: House, language: str, size: str) -> None:
    page = visit(house, size, language)
    found = {}
    for name in house.pages:
        house.open(page, name)
        keep(page, f"{name}-{size}-{language}")
        found[name] = violations(page)
    page.context.close()
    assert {name: what for name, what in found.items() if what} == {}


@pytest.mark.parametrize("size", SIZES)
def test_no_page_is_wider_than_its_screen_and_on_a_phone_a_finger_finds_all(house: House, size: str) -> None:
    page = visit(house, size)
    wide, small = {}, {}
    for name in house.pages:
        house.open(page, name)
        keep(page, f"{name}-{size}")
        wide[name] = page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        small[name] = page.evaluate(TOUCHED_BELOW, FINGER_PX) if size == "phone" else []
    page.context.close()
    assert {name: by for name, by in wide.items() if by > 0} == {}
    assert {name: which for name, which in small.items() if which} == {}


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_axe_finds_nothing_in_the_help_the_menu_and_an_empty_list(house: House, language: str) -> None:
    page = visit(house, "small", language)
    house.open(page, "incidents")
    page.get_by_test_id("help-open").click()
    page.get_by_test_id("help").wait_for()
    found = {"help": violations(page)}
    page.keyboard.press("Escape")
    page.get_by_test_id("user-menu").click()
    page.get_by_test_id("sign-out").wait_for()
    keep(page, f"menu-{language}")
    found["menu"] = violations(page)
    page.keyboard.press("Escape")
    page.get_by_test_id("search").fill("nowhere at all")
    page.locator(".empty").first.wait_for()
    keep(page, f"empty-{language}")
    found["empty"] = violations(page)
    page.context.close()
    assert {name: what for name, what in found.items() if what} == {}


def test_a_printed_list_is_laid_out_for_paper_not_for_a_phone(house: House) -> None:
    page = visit(house, "small")
    house.open(page, "incidents")
    page.set_viewport_size(A4)
    page.emulate_media(media="print")
    keep(page, "incidents-print")
    expect(page.locator(".row.head").first).to_be_visible()
    expect(page.locator(".rail")).to_be_hidden()
    assert page.evaluate("document.documentElement.scrollWidth") <= A4["width"]
    page.context.close()


def test_a_printed_incident_has_its_facts_in_full_width_and_no_controls(house: House) -> None:
    page = visit(house, "small")
    house.open(page, "incident")
    expect(page.get_by_test_id("fact-todo")).not_to_be_empty()
    page.emulate_media(media="print")
    keep(page, "incident-print")
    expect(page.get_by_test_id("detail-what")).to_be_visible()
    expect(page.get_by_test_id("fact-todo")).to_be_visible()
    expect(page.get_by_test_id("acknowledge")).to_be_hidden()
    expect(page.get_by_test_id("search")).to_be_hidden()
    facts = page.locator(".facts").bounding_box()
    assert facts is not None
    assert facts["width"] > 0.8 * SIZES["small"][0]
    page.context.close()


def test_of_three_thousand_incidents_the_list_draws_what_is_looked_at(house: House) -> None:
    page = visit(house, "small")
    house.open(page, "incidents")
    page.get_by_test_id("filter-all").click()
    row = page.get_by_test_id("incident")
    row.first.wait_for()
    assert 0 < row.count() < 400
    first = row.first.get_attribute("data-id")
    for _ in range(30):
        page.keyboard.press("j")
    focused = page.locator("[data-testid=incident]:focus")
    expect(focused).to_have_count(1)
    expect(focused).to_be_in_viewport()
    assert focused.get_attribute("data-id") != first
    page.context.close()


def test_a_new_incident_moves_nothing_under_the_pointer(house: House) -> None:
    page = visit(house, "small")
    house.open(page, "incidents")
    row = page.get_by_test_id("incident").nth(9)
    under = row.get_attribute("data-id")
    row.hover(position={"x": 100, "y": 10})
    row.hover(position={"x": 140, "y": 12})  # a mouse that moves reads; one that merely lies there does not
    before = row.bounding_box()
    apply(
        house.url, [finding(device=house.tenant.probe, start_us=START_US - 60_000_000, severity=Severity.RED)]
    )
    expect(page.get_by_test_id("level-1")).to_contain_text("1")
    expect(page.get_by_test_id("pill")).to_be_visible()
    same = page.locator(f'[data-testid=incident][data-id="{under}"]')
    assert same.bounding_box() == before
    page.context.close()


def test_the_vendored_axe_is_the_published_one() -> None:
    entry = (VENDOR / "THIRD_PARTY").read_text(encoding="utf-8")
    (checksum,) = re.findall(r"sha256 +([0-9a-f]{64})", entry)
    assert hashlib.sha256((VENDOR / "axe.min.js").read_bytes()).hexdigest() == checksum
    assert "Mozilla Public License" in (VENDOR / "LICENSE").read_text(encoding="utf-8")
