"""Toy rules, registered from `tests/toy_rules.py` alone, from a line to a finding, an incident, a band and words."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import psycopg2
import pytest
from playwright.sync_api import Page, expect, sync_playwright

from alerts.channels import CHANNELS
from alerts.journal import Batch
from alerts.journal_postgres import PostgresJournal
from coldwatch.wiring.transactions import Single
from processors.judge.handler import Judge
from processors.judge.store import JudgeStore
from processors.worker.offsets import Database as Connected
from processors.worker.offsets import Unsent
from processors.worker.work import Place, Record
from schemas.person import Role
from schemas.reading import clock_line, reading_line, refused_line
from schemas.times import to_us
from tests import tenants
from tests.consoles import PASSWORD, RunningConsole
from tests.servers import Servers
from tests.toy_rules import TOY_CHATTER, TOY_FACTS, TOY_HOT, TOY_TABLE

CHROMIUM = "/usr/bin/chromium"
TOYS = (TOY_HOT.name, TOY_CHATTER.name)
PLACE = Place("readings", 0)


@dataclass(frozen=True)
class Followed:
    console: RunningConsole
    incidents: dict[str, str]
    device: str


@pytest.fixture(scope="module")
def followed(servers: Servers) -> Iterator[Followed]:
    """A hot toy and a chattering one, judged, told and shown by the product's own parts on a real database."""
    database = servers.fresh_database()
    (tenant,) = tenants.fill(database.pipeline_url, "wanju")
    told = judged(database.pipeline_url, tenant.point, tenant.probe)
    single = Single(partial(psycopg2.connect, database.pipeline_url))
    PostgresJournal(single.begin, CHANNELS).apply(Batch(told, {}, ""), to_us(datetime.now(UTC)))
    single.close()
    console = RunningConsole(database.web_url, facts=TOY_FACTS)
    console.start()
    console.add_person("operator", Role.OPERATOR)
    yield Followed(console, {finding.rule: finding.id for finding in told}, tenant.probe)
    console.stop()
    servers.drop_database(database)


def judged(url: str, point: int, device: str) -> list:
    """Judges one pack with the toys in the table; what it tells of them."""
    opened = [Connected(partial(psycopg2.connect, url, options="-c timezone=UTC")) for _ in range(2)]
    judge = Judge(JudgeStore(opened[0], "toy", TOY_TABLE), "", 1e9, TOY_TABLE)
    judge.claim({PLACE: 0}, {PLACE.topic: "id"})
    now_us = to_us(datetime.now(UTC))
    lines = [reading_line(point, now_us + n, n, 31.0 + n, 1, now_us + n) for n in range(3)]
    lines += [refused_line(device, "bad_json", now_us + n) for n in range(3)]
    record = Record(PLACE, 0, b"".join([*lines, clock_line(now_us + 10, "toy")]), {}, now_us)
    assert judge.handle([record])
    told = Unsent(opened[1], "judge").fetch([PLACE])
    for one in opened:
        one.close()
    return [finding for finding in told if finding.rule in TOYS]


def test_each_toy_is_one_incident_with_what_to_do(followed: Followed) -> None:
    assert set(followed.incidents) == set(TOYS)
    with followed.console.client("operator") as client:
        for rule, id in followed.incidents.items():
            incident = client.get(f"/api/incidents/{id}").raise_for_status().json()
            facts = TOY_FACTS.get(rule)
            assert facts is not None
            assert incident["rule"] == rule
            assert incident["what_to_do"] == {"zh": facts.to_do.zh, "en": facts.to_do.en}


def test_the_hot_toy_is_a_band_on_its_curve(followed: Followed) -> None:
    with followed.console.client("operator") as client:
        curve = (
            client.get(f"/api/incidents/{followed.incidents[TOY_HOT.name]}/curve").raise_for_status().json()
        )
        start = client.get(f"/api/incidents/{followed.incidents[TOY_HOT.name]}").json()["start_at"]
    began_ms = round(datetime.fromisoformat(start).timestamp() * 1000)
    assert any(abs(band[0] - began_ms) <= 1 for band in curve["breaches"])


@pytest.fixture(scope="module")
def page(followed: Followed) -> Iterator[Page]:
    assert Path(CHROMIUM).exists(), f"no {CHROMIUM}: run `make setup`"
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        made = chromium.new_page()
        made.goto(followed.console.url)
        made.get_by_test_id("sign-in-name").fill("operator")
        made.get_by_test_id("sign-in-password").fill(PASSWORD)
        made.get_by_test_id("sign-in-submit").click()
        yield made
        chromium.close()


@pytest.mark.parametrize("language", ["zh-CN", "en"])
@pytest.mark.parametrize("rule", TOYS)
def test_the_page_has_its_words(page: Page, followed: Followed, rule: str, language: str) -> None:
    facts = TOY_FACTS.get(rule)
    assert facts is not None
    name, to_do = (facts.words.en, facts.to_do.en) if language == "en" else (facts.words.zh, facts.to_do.zh)
    page.get_by_test_id(f"language-{language}").click()
    page.get_by_test_id("filter-all").click()
    row = page.locator(f'[data-testid=incident][data-rule="{rule}"]')
    expect(row).to_contain_text(name)
    row.click()
    expect(page.get_by_test_id("detail-what")).to_contain_text(name)
    expect(page.get_by_test_id("fact-todo")).to_have_text(to_do)
