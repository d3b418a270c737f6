"""What the API says of real rows: incidents with what belongs to them, devices, curves, records."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial

import httpx
import psycopg2
import pytest
from psycopg2.extensions import make_dsn, parse_dsn

from alerts.channels import CHANNELS
from alerts.journal import Batch
from alerts.journal_postgres import PostgresJournal
from coldwatch.wiring.transactions import Single
from schemas import scope
from schemas.person import Role
from schemas.times import to_us
from tests import tenants
from tests.consoles import RunningConsole
from tests.findings import finding
from tests.tenants import Tenant

MISSING_DAY = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def cast(servers) -> Iterator[tuple[RunningConsole, Tenant, str]]:
    database = servers.fresh_database()
    (tenant,) = tenants.fill(database.pipeline_url, "jinyang")
    console = RunningConsole(database.web_url, {tenant.sha256: tenants.picture_of(tenant.id)}.get)
    console.start()
    console.add_person("li", Role.OPERATOR)
    console.add_person("kitchen", Role.ENTERPRISE, "jinyang")
    console.add_person("reader", Role.REGULATOR)
    yield console, tenant, database.pipeline_url
    console.stop()
    servers.drop_database(database)


@pytest.fixture
def client(cast) -> Iterator[httpx.Client]:
    with cast[0].client("li") as signed_in:
        yield signed_in


def test_an_incident_names_place_value_limit_and_what_to_do(cast, client) -> None:
    _, tenant, _ = cast
    incident = client.get(f"/api/incidents/{tenant.excursion}").json()
    expected = {
        "id": tenant.excursion,
        "rule": "excursion",
        "state": "open",
        "device": "jinyang-probe",
        "kind": "probe",
        "enterprise_name": "jinyang 公司",
        "county": "盐湖区",
        "site_name": "jinyang 一号店",
        "asset": "三号冷库",
        "unit": "Cel",
        "peak": 9.5,
        "limit": 8.0,
        "current": 9.9,
        "end_at": None,
    }
    assert {name: incident[name] for name in expected} == expected
    assert incident["profile_row"]["high"] == 8
    assert incident["profile_row"]["source"] == "coldwatch"
    assert "压缩机" in incident["what_to_do"]["zh"]
    assert [event["transition"] for event in incident["events"]] == ["opened"]
    assert datetime.fromisoformat(incident["start_at"]).utcoffset() == timedelta()


def test_an_incident_and_its_device_say_whom_to_call_and_what_the_place_is(cast, client) -> None:
    _, tenant, pipeline_url = cast
    with closing(psycopg2.connect(pipeline_url)) as connection, connection, connection.cursor() as cursor:
        cursor.execute("update enterprise set kind = 'caterer', licence = 'JY1' where id = %s", (tenant.id,))
        cursor.execute(
            "update site set telephone = '0359-1', business_hours = '06:00-22:00', state = 'commissioning'"
            " where enterprise = %s",
            (tenant.id,),
        )
        cursor.execute(
            "update asset set kind = 'cold_room', product_class = '蔬菜' where enterprise = %s", (tenant.id,)
        )
    incident = client.get(f"/api/incidents/{tenant.excursion}").json()
    assert (incident["telephone"], incident["business_hours"]) == ("0359-1", "06:00-22:00")
    device = client.get(f"/api/devices/{tenant.probe}").json()
    said = {
        "enterprise_kind": "caterer",
        "licence": "JY1",
        "telephone": "0359-1",
        "business_hours": "06:00-22:00",
        "site_state": "commissioning",
        "asset_kind": "cold_room",
        "product_class": "蔬菜",
    }
    assert {name: device[name] for name in said} == said


def test_a_gateways_wrong_clock_is_the_centres_alone(servers) -> None:
    """No device's and no enterprise's: neither an enterprise nor an operator of one county sees it."""
    database = servers.fresh_database()
    (tenant,) = tenants.fill(database.pipeline_url, "jinyang")
    single = Single(partial(psycopg2.connect, database.pipeline_url))
    wrong = finding(device="", metric="", subject="ingest/g1", rule="gateway_clock", detail={"ahead_s": 3600})
    PostgresJournal(single.begin, CHANNELS).apply(Batch([wrong], {}, ""), to_us(datetime.now(UTC)))
    single.close()
    console = RunningConsole(database.web_url)
    console.start()
    try:
        console.add_person("centre", Role.OPERATOR)
        console.add_person("county", Role.OPERATOR, county="yanhu")
        console.add_person("kitchen", Role.ENTERPRISE, tenant.id)
        seen = {}
        for name in ("centre", "county", "kitchen"):
            with console.client(name) as asking:
                listed = {item["id"] for item in asking.get("/api/incidents?state=all").json()["items"]}
                assert tenant.excursion in listed
                one = asking.get(f"/api/incidents/{wrong.id}").status_code
                seen[name] = (wrong.id in listed, one)
    finally:
        console.stop()
        servers.drop_database(database)
    assert seen == {"centre": (True, 200), "county": (False, 404), "kitchen": (False, 404)}


def test_a_positive_test_shows_its_result_and_a_camera_fault_its_frame(cast, client) -> None:
    _, tenant, _ = cast
    result = client.get(f"/api/incidents/{tenant.positive_test}").json()["result"]
    assert (result["number"], result["verdict"], result["verdict_raw"]) == ("N-7", "positive", "阳性")
    frame = client.get(f"/api/incidents/{tenant.covered}").json()["frame"]
    assert (frame["sha256"], frame["faults"], frame["scores"]) == (tenant.sha256, ["covered"], {"luma": 3})


def test_lists_are_paged_without_repeating_or_leaving_out(cast, client) -> None:
    for state, count in (("open", 3), ("all", 4), ("closed", 1)):
        whole = client.get(f"/api/incidents?state={state}").json()
        seen, before = [], ""
        while before is not None:
            page = client.get(
                f"/api/incidents?state={state}&limit=1" + (f"&before={before}" if before else "")
            ).json()
            seen += page["items"]
            before = page["next"]
        assert [item["id"] for item in seen] == [item["id"] for item in whole["items"]]
        assert len(seen) == count
    assert whole["last_event"] >= 5


def test_a_cursor_of_another_list_is_refused(client) -> None:
    cursor = client.get("/api/incidents?state=all&limit=1").json()["next"]
    for before in (cursor, "nonsense"):
        answer = client.get(f"/api/incidents?state=open&before={before}")
        assert (answer.status_code, answer.json()["code"]) == (422, "bad_cursor")


def test_the_device_board_says_value_state_and_troubles(cast, client) -> None:
    items = {item["device"]: item for item in client.get("/api/devices").json()["items"]}
    probe = items["jinyang-probe"]
    (point,) = probe["points"]
    assert (point["metric"], point["value"], point["state"]) == ("temperature", 9.9, "breach")
    assert (probe["open_incidents"], probe["worst"], probe["refused_24h"], probe["interval_s"]) == (
        1,
        2,
        1,
        2.0,
    )
    assert items["jinyang-camera"]["last_heard"] is not None
    assert items["jinyang-instrument"]["last_heard"] is not None
    assert items["jinyang-gateway"]["points"] == []


def test_a_device_shows_its_refused_messages_with_the_bytes_and_what_to_change(client) -> None:
    device = client.get("/api/devices/jinyang-probe").json()
    (rejection,) = device["rejections"]
    assert rejection["raw_text"] == '{"values": {"temperature": "4.1"}}'
    assert rejection["size"] == len(rejection["raw_text"])
    assert "必须是数字" in rejection["zh"]
    assert "must be a number" in rejection["en"]
    assert device["ledger"] == {
        "accepted": 60,
        "stored": 59,
        "duplicate": 1,
        "quarantined": 0,
        "dead_lettered": 0,
    }
    assert [incident["rule"] for incident in device["incidents"]] == ["excursion"]


def test_the_curve_of_an_incident_holds_points_limits_and_the_breach(cast, client) -> None:
    _, tenant, _ = cast
    curve = client.get(f"/api/incidents/{tenant.excursion}/curve").json()
    assert (curve["metric"], curve["unit"], curve["interval_s"], curve["thinned"]) == (
        "temperature",
        "Cel",
        2.0,
        False,
    )
    assert len(curve["points"]) == 60
    assert curve["points"] == sorted(curve["points"])
    assert [step["high"] for step in curve["limits"]] == [8]
    ((start, end, severity),) = curve["breaches"]
    assert (end, severity) == (None, 2)
    assert curve["points"][0][0] < start


def test_a_spike_survives_thinning_and_a_gap_stays_a_gap(cast, client) -> None:
    _, tenant, pipeline_url = cast
    begin = MISSING_DAY
    with psycopg2.connect(pipeline_url) as connection, connection.cursor() as cursor:
        cursor.execute(
            "insert into reading select %s, %s + n * interval '2 s', 0, case n when 4321 then 55.5 else 4 end, 1,"
            " %s + n * interval '2 s' from generate_series(0, 9999) n where n not between 6000 and 6999",
            (tenant.point, begin, begin),
        )
    connection.close()
    span = {"from": begin.isoformat(), "to": (begin + timedelta(seconds=20_000)).isoformat()}
    curve = client.get("/api/devices/jinyang-probe/curve", params={"metric": "temperature", **span}).json()
    values = [value for _at, value, *_ in curve["points"]]
    assert curve["thinned"]
    assert curve["interval_s"] == 20.0
    assert 500 < len(values) <= 2010
    assert values.count(55.5) == 1
    ms = round(begin.timestamp() * 1000)
    assert [ms + 5999 * 2000, ms + 7000 * 2000] in curve["unknown"]


def test_a_flagged_spike_hides_no_extreme_of_what_was_measured(cast, client) -> None:
    _, tenant, pipeline_url = cast
    begin = MISSING_DAY + timedelta(days=1)
    with psycopg2.connect(pipeline_url) as connection, connection.cursor() as cursor:
        cursor.execute(
            "insert into reading select %s, %s + n * interval '2 s', 0,"
            " case n when 4321 then 9.5 when 4322 then 85 else 4 end,"
            " case n when 4322 then 3 else 1 end, %s + n * interval '2 s' from generate_series(0, 9999) n",
            (tenant.point, begin, begin),
        )
    connection.close()
    span = {"from": begin.isoformat(), "to": (begin + timedelta(seconds=20_000)).isoformat()}
    curve = client.get("/api/devices/jinyang-probe/curve", params={"metric": "temperature", **span}).json()
    assert curve["thinned"]
    found = [(value, quality) for _at, value, quality, *_ in curve["points"] if value > 5]
    assert found == [(9.5, 1), (85, 3)]


def test_a_device_that_reports_each_five_minutes_is_not_unknown_in_between(cast, client) -> None:
    _, tenant, pipeline_url = cast
    begin = MISSING_DAY + timedelta(days=2)
    with psycopg2.connect(pipeline_url) as connection, connection.cursor() as cursor:
        cursor.execute(
            "insert into reading select %s, %s + n * interval '5 min', 0, 4, 1, %s + n * interval '5 min'"
            " from generate_series(0, 60) n where n not between 20 and 30",
            (tenant.point, begin, begin),
        )
    connection.close()
    span = {"from": begin.isoformat(), "to": (begin + timedelta(minutes=300)).isoformat()}
    curve = client.get("/api/devices/jinyang-probe/curve", params={"metric": "temperature", **span}).json()
    ms = round(begin.timestamp() * 1000)
    assert curve["unknown"] == [[ms + 19 * 300_000, ms + 31 * 300_000]]


def test_the_limits_of_a_curve_are_those_of_their_time(cast, client, servers) -> None:
    _, _, pipeline_url = cast
    begin = datetime(2026, 3, 20, tzinfo=UTC)
    changed, moved = begin + timedelta(hours=2), begin + timedelta(hours=4)
    owner_url = make_dsn(servers.owner_url, dbname=parse_dsn(pipeline_url)["dbname"])
    with closing(psycopg2.connect(owner_url)) as connection, connection, connection.cursor() as cursor:
        rows = (("then", 1, 8, "2020-01-01"), ("then", 2, 5, changed), ("later", 1, -18, "2020-01-01"))
        for name, version, high, at in rows:
            cursor.execute(
                "insert into profile (name, version, metric, effective_from, high, source, clause, evidence)"
                " values (%s, %s, 'temperature', %s, %s, 'test', '', 'D')",
                (name, version, at, high),
            )
        cursor.execute(
            "insert into device (id, kind, enterprise, site, interval_us, profile, change)"
            " select 'jinyang-moved', kind, enterprise, site, interval_us, 'later', change from device"
            " where id = 'jinyang-probe'"
        )
        cursor.execute(
            "insert into point (device, enterprise, metric, unit, possible_low, possible_high)"
            " select 'jinyang-moved', enterprise, metric, unit, possible_low, possible_high from point"
            " where device = 'jinyang-probe' and metric = 'temperature'"
        )
        for profile, at in (("then", "1970-01-01T00:00Z"), ("later", moved)):
            cursor.execute(
                "insert into device_fact (device, effective_from, kind, interval_us, profile, metrics)"
                " values ('jinyang-moved', %s, 'probe', 2000000, %s, '{temperature}')",
                (at, profile),
            )
    span = {"from": begin.isoformat(), "to": (begin + timedelta(hours=6)).isoformat()}
    curve = client.get("/api/devices/jinyang-moved/curve", params={"metric": "temperature", **span}).json()
    hour, ms = 3_600_000, round(begin.timestamp() * 1000)
    assert [((s["from"] - ms) / hour, (s["to"] - ms) / hour, s["high"]) for s in curve["limits"]] == [
        (0, 2, 8), (2, 4, 5), (4, 6, -18),
    ]  # fmt: skip


@pytest.mark.parametrize("begin", ["1970-01-01T00:00:00Z", "2025-01-01T00:00:00Z"])
def test_a_span_of_more_than_a_year_is_refused_with_what_to_do(client, begin: str) -> None:
    answer = client.get(
        "/api/devices/jinyang-probe/curve", params={"from": begin, "to": "2026-03-01T00:00:00Z"}
    )
    body = answer.json()
    assert (answer.status_code, body["code"]) == (422, "span_too_long")
    assert "366" in body["title_zh"]
    assert "366" in body["title_en"]


@pytest.mark.parametrize(
    "span",
    [
        {"from": "2026-03-02T00:00:00Z", "to": "2026-03-01T00:00:00Z"},
        {"from": "2026-03-02T00:00:00"},
        {"from": "2026-03-02T00:00:00Z", "to": "2026-03-02T00:00:00Z"},
    ],
)
def test_a_span_that_is_none_is_refused(client, span: dict[str, str]) -> None:
    assert client.get("/api/devices/jinyang-probe/curve", params=span).json()["code"] == "bad_span"


def test_a_picture_is_served_and_its_viewing_booked(cast, client) -> None:
    console, tenant, _ = cast
    answer = client.get(f"/api/frames/{tenant.sha256}/image")
    assert (answer.content, answer.headers["content-type"]) == (tenants.picture_of("jinyang"), "image/jpeg")
    with console.pool.begin(scope.ALL) as cursor:
        cursor.execute(
            "select actor from audit where action = 'frame_viewed' and object = %s", (tenant.sha256,)
        )
        assert cursor.fetchone() == ("li",)
    assert client.get(f"/api/frames/{'0' * 64}/image").status_code == 404


def test_results_and_frames_are_listed_newest_first(cast, client) -> None:
    (result,) = client.get("/api/results?limit=5").json()["items"]
    assert (result["sample"], result["item"], result["enterprise_name"]) == (
        "菠菜",
        "农药残留",
        "jinyang 公司",
    )
    (frame,) = client.get("/api/frames?camera=jinyang-camera").json()["items"]
    assert (frame["width"], frame["height"]) == (640, 480)


def new_incident(pipeline_url: str, device: str, **facts: object) -> str:
    """Another incident, for a test that changes it."""
    one = finding(device=device, start_us=to_us(datetime.now(UTC)), **facts)
    single = Single(partial(psycopg2.connect, pipeline_url))
    PostgresJournal(single.begin, CHANNELS).apply(Batch([one], {}, ""), one.start_us)
    single.close()
    return one.id


def test_a_positive_test_is_closed_with_a_note_and_nothing_else_is(cast) -> None:
    console, tenant, pipeline_url = cast
    test = new_incident(pipeline_url, tenant.instrument, rule="positive_test", persistent=True)
    excursion = new_incident(pipeline_url, tenant.probe)
    with console.client("li") as li:
        assert li.post(f"/api/incidents/{test}/close", json={"note": ""}).json()["code"] == "note_missing"
        refused = li.post(f"/api/incidents/{excursion}/close", json={"note": "x"})
        assert (refused.status_code, refused.json()["code"]) == (409, "ends_by_itself")
        closed = li.post(f"/api/incidents/{test}/close", json={"note": "已销毁 12 kg"})
        assert (closed.status_code, closed.json()["state"]) == (200, "closed")
        events = li.get(f"/api/incidents/{test}").json()["events"]
    assert [(e["transition"], e["actor"], e["note"]) for e in events][-1] == ("closed", "li", "已销毁 12 kg")


@pytest.mark.parametrize(
    ("who", "action", "status"),
    [
        ("kitchen", "acknowledge", 200),
        ("kitchen", "close", 403),
        ("reader", "acknowledge", 403),
        ("reader", "close", 403),
    ],
)
def test_roles_may_do_what_is_theirs(cast, who: str, action: str, status: int) -> None:
    console, tenant, pipeline_url = cast
    incident = new_incident(pipeline_url, tenant.instrument, rule="positive_test", persistent=True)
    with console.client(who) as client:
        assert client.post(f"/api/incidents/{incident}/{action}", json={"note": "x"}).status_code == status
