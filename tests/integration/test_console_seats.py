"""Several people at once: two seats that take one incident, and a person whose role changes while a stream is open."""

import threading
from collections.abc import Iterator

import httpx
import psycopg2
import pytest

from schemas.person import Act, Role
from tests import tenants
from tests.consoles import RunningConsole
from tests.servers import Database, Servers
from tests.tenants import Tenant

MINE, THEIRS = "jinyang", "hedong"
Cast = tuple[RunningConsole, Tenant, Database]


@pytest.fixture(scope="module")
def cast(servers: Servers) -> Iterator[Cast]:
    database = servers.fresh_database()
    mine, _theirs = tenants.fill(database.pipeline_url, MINE, THEIRS)
    console = RunningConsole(database.web_url)
    console.start()
    for name, role, enterprise in (
        ("li", Role.OPERATOR, None),
        ("wang", Role.OPERATOR, None),
        ("reader", Role.REGULATOR, None),
        ("kitchen", Role.ENTERPRISE, MINE),
        ("mover", Role.OPERATOR, None),
        ("leaver", Role.OPERATOR, None),
    ):
        console.add_person(name, role, enterprise)
    yield console, mine, database
    console.stop()
    servers.drop_database(database)


@pytest.mark.parametrize(
    ("name", "acts"),
    [("li", ["acknowledge", "close"]), ("kitchen", ["acknowledge"]), ("reader", [])],
)
def test_an_item_carries_what_its_viewer_may_do(cast: Cast, name: str, acts: list[str]) -> None:
    console, mine, _ = cast
    with console.client(name) as client:
        listed = {item["id"]: item for item in client.get("/api/incidents").json()["items"]}
        assert listed[mine.positive_test]["may"] == acts
        assert client.get(f"/api/incidents/{mine.positive_test}").json()["may"] == acts
        assert listed[mine.covered]["may"] == [act for act in acts if act != Act.CLOSE]
        with client.stream("GET", "/api/events?last_event=0") as stream:
            lines = stream.iter_lines()
            told = next(line for line in lines if line.startswith("data: ") and mine.positive_test in line)
    assert f'"may":{acts}'.replace("'", '"').replace(" ", "") in told


def test_of_two_seats_at_once_one_has_it_and_the_other_is_told(cast: Cast) -> None:
    console, mine, _ = cast
    together = threading.Barrier(2)
    answers: dict[str, httpx.Response] = {}

    def take(name: str) -> None:
        with console.client(name) as client:
            together.wait(20)
            answers[name] = client.post(f"/api/incidents/{mine.excursion}/acknowledge", json={"note": name})

    seats = [threading.Thread(target=take, args=(name,)) for name in ("li", "wang")]
    for seat in seats:
        seat.start()
    for seat in seats:
        seat.join(40)
    winner, loser = sorted(answers, key=lambda name: answers[name].status_code)
    assert [answers[name].status_code for name in (winner, loser)] == [200, 409]
    assert answers[loser].json()["code"] == "already_acknowledged"
    with console.client(loser) as client:
        incident = client.get(f"/api/incidents/{mine.excursion}").json()
    taken = [event for event in incident["events"] if event["transition"] == "acknowledged"]
    assert [(event["actor"], event["note"]) for event in taken] == [(winner, winner)]
    assert incident["acknowledged_by"] == winner
    assert "acknowledge" not in incident["may"]


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("mover", "update person set role = 'enterprise', enterprise = 'hedong' where name = 'mover'"),
        ("leaver", "delete from web_session where person = 'leaver'"),
    ],
)
def test_a_stream_ends_when_its_reader_is_somebody_else_now(cast: Cast, name: str, change: str) -> None:
    console, mine, database = cast
    with console.client(name) as client:
        with client.stream("GET", "/api/events") as stream:
            lines = stream.iter_lines()
            assert next(line for line in lines if line.startswith("event: tick"))
            execute(database, change)
            ended = list(lines)
        assert len([line for line in ended if line.startswith("event: tick")]) <= 3
        again = client.get("/api/incidents?state=all")
    assert mine.id not in again.text
    assert again.status_code == (401 if name == "leaver" else 200)


def execute(database: Database, statement: str) -> None:
    connection = psycopg2.connect(database.owner_url)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(statement)
            assert cursor.rowcount >= 1
    finally:
        connection.close()
