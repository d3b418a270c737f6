"""The page in a real browser: what an operator does with an incident, what a technician sees of a refusal."""

import re
from pathlib import Path

import paho.mqtt.publish as publish
import pytest
from playwright.sync_api import Page, expect

from city.faults import SCRIPT
from tests.e2e.program import Program
from tests.e2e.waiting import until

pytestmark = pytest.mark.long

LIVE_MS = 60_000


def sign_in(page: Page, program: Program, password: str) -> None:
    page.goto(program.url)
    page.get_by_test_id("sign-in-name").fill(program.login.name)
    page.get_by_test_id("sign-in-password").fill(password)
    page.get_by_test_id("sign-in-submit").click()


def row_of(rule: str, device: str) -> str:
    return f'[data-testid=incident][data-rule="{rule}"][data-device="{device}"]'


def open_incident(page: Page, program: Program, kind: str) -> None:
    """Waits until the fault's incident is in the live list and opens it there."""
    fault = program.fault(kind)
    row = page.locator(row_of(fault["rule"], fault["device"])).first
    row.wait_for(timeout=LIVE_MS)
    row.click()
    expect(page.get_by_test_id("detail-what")).to_be_visible()


def test_the_right_password_opens_the_live_list(page: Page, program: Program) -> None:
    sign_in(page, program, program.login.password)
    expect(page.get_by_test_id("live")).to_have_attribute("data-state", "live")


def test_a_wrong_password_is_refused_in_a_sentence_and_the_name_stays(page: Page, program: Program) -> None:
    sign_in(page, program, "wrong")
    expect(page.get_by_test_id("sign-in-refusal")).not_to_be_empty()
    expect(page.get_by_test_id("sign-in-name")).to_have_value(program.login.name)


def test_the_live_list_fills_without_a_reload(console: Page, program: Program, pictures: Path) -> None:
    console.get_by_test_id("filter-all").click()
    for script in SCRIPT:
        fault = until(lambda kind=script.kind.value: begun(program, kind), 40, f"{script.kind} to begin")
        console.locator(row_of(fault["rule"], fault["device"])).first.wait_for(timeout=LIVE_MS)
    assert console.evaluate("performance.getEntriesByType('navigation').length") == 1
    console.screenshot(path=pictures / "incidents.png")


def begun(program: Program, kind: str) -> dict[str, str] | None:
    try:
        return program.fault(kind)
    except (FileNotFoundError, StopIteration):
        return None


def test_an_excursion_opens_to_its_curve_and_is_acknowledged(
    console: Page, program: Program, pictures: Path
) -> None:
    open_incident(console, program, "compressor_dead")
    curve = console.get_by_test_id("curve")
    expect(curve).to_have_attribute("data-points", re.compile("[1-9]"))
    assert console.locator(".curve canvas").evaluate("canvas => canvas.width") > 200
    expect(console.get_by_test_id("fact-limit")).to_contain_text("8")
    expect(console.get_by_test_id("fact-todo")).not_to_be_empty()
    console.screenshot(path=pictures / "excursion.png")
    console.get_by_test_id("note").fill("已通知维修")
    console.get_by_test_id("acknowledge").click()
    expect(console.get_by_test_id("detail-state")).to_have_attribute("data-state", "acknowledged")
    entry = console.locator("[data-testid=timeline] [data-transition=acknowledged]")
    expect(entry).to_contain_text("已通知维修")
    expect(entry).to_contain_text(program.login.name)


def test_a_positive_test_is_closed_by_a_person_with_a_note(
    console: Page, program: Program, pictures: Path
) -> None:
    open_incident(console, program, "positive_test")
    expect(console.get_by_test_id("result")).to_contain_text("农药残留")
    console.screenshot(path=pictures / "positive.png")
    console.get_by_test_id("note").fill("复检合格，批次放行")
    console.get_by_test_id("close").click()
    expect(console.get_by_test_id("detail-state")).to_have_attribute("data-state", "closed")
    expect(console.locator("[data-testid=timeline] [data-transition=closed]")).to_contain_text("批次放行")
    with program.api() as api:
        number = program.fault("positive_test")["subject"]
        assert [i["state"] for i in api.incidents() if i["subject"] == number] == ["closed"]


def test_a_covered_camera_opens_to_the_frame_that_failed(
    console: Page, program: Program, pictures: Path
) -> None:
    console.get_by_test_id("filter-all").click()
    open_incident(console, program, "camera_covered")
    image = console.locator("[data-testid=picture] img")
    image.wait_for()
    until(lambda: image.evaluate("image => image.naturalWidth"), 20, "the frame's image")
    console.screenshot(path=pictures / "covered.png")


def test_the_language_can_be_switched_and_stays(console: Page, program: Program, pictures: Path) -> None:
    chinese = console.locator("h1").inner_text()
    console.get_by_test_id("language-en").click()
    expect(console.locator("h1")).not_to_have_text(chinese)
    assert console.evaluate("document.documentElement.lang").startswith("en")
    console.reload()
    expect(console.locator("h1")).not_to_have_text(chinese)
    expect(console.get_by_test_id("live")).to_have_attribute("data-state", "live")
    console.screenshot(path=pictures / "english.png")
    console.get_by_test_id("language-zh-CN").click()
    expect(console.locator("h1")).to_have_text(chinese)


def test_the_board_shows_every_device_and_a_refused_message_with_its_reason(
    console: Page, program: Program, pictures: Path
) -> None:
    fault = program.fault("bad_payload")
    console.goto(f"{program.url}#/devices")
    console.locator("[data-testid=device]").first.wait_for()
    console.screenshot(path=pictures / "devices.png")
    console.get_by_test_id("search").fill(fault["device"])
    console.locator(f'[data-testid=device][data-device="{fault["device"]}"]').click()
    refusal = console.locator("[data-testid=rejection][data-code=not_a_number]").first
    refusal.wait_for(timeout=LIVE_MS)
    expect(refusal).to_contain_text("必须是数字")
    expect(refusal.get_by_test_id("raw")).to_contain_text(' C"')
    expect(console.get_by_test_id("curve")).to_have_attribute("data-points", re.compile("[1-9]"))
    console.screenshot(path=pictures / "refused.png")


def test_a_dead_stream_is_told_and_resumes_with_what_was_missed(
    console: Page, program: Program, pictures: Path
) -> None:
    token = program.add_device("lost-link", "probe")
    program.stack.pause("console")
    banner = console.get_by_test_id("banner")
    expect(banner).to_have_attribute("data-kind", "dead", timeout=30_000)
    console.screenshot(path=pictures / "dead.png")
    publish.single(
        "cw/v1/tools/lost-link/telemetry",
        b"not json",
        qos=1,
        hostname=program.mqtt[0],
        port=program.mqtt[1],
        auth={"username": "lost-link", "password": token},
    )
    program.stack.resume("console")
    program.stack.wait_ready("console")
    expect(banner).to_have_count(0, timeout=30_000)
    expect(console.get_by_test_id("live")).to_have_attribute("data-state", "live")
    console.get_by_test_id("filter-all").click()
    console.locator(row_of("refused", "lost-link")).wait_for(timeout=LIVE_MS)
    assert console.evaluate("performance.getEntriesByType('navigation').length") == 1
