"""Signing in, being locked out, signing out; what every answer carries."""

import hashlib
import re
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta

import psycopg2
import pytest

from console import people
from schemas.errors import Permanent
from schemas.person import Role
from tests.consoles import PASSWORD, RunningConsole


class Clock:
    """The console's time; a test moves it."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@pytest.fixture(scope="module")
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="module")
def database(servers) -> Iterator:
    made = servers.fresh_database()
    yield made
    servers.drop_database(made)


@pytest.fixture(scope="module")
def console(database, clock: Clock) -> Iterator[RunningConsole]:
    running = RunningConsole(database.web_url, now=clock)
    running.start()
    yield running
    running.stop()


@pytest.fixture
def person(console: RunningConsole, clock: Clock, request) -> str:
    """Somebody new for each test, so that one test's refusals lock out nobody of another."""
    clock.ahead += timedelta(minutes=20)  # and so that the address is not locked out either
    name = re.sub(r"\W", "", request.node.name)[-40:]
    console.add_person(name, Role.OPERATOR)
    return name


def audit_of(database, name: str) -> list[str]:
    with closing(psycopg2.connect(database.web_url)) as connection, connection.cursor() as cursor:
        cursor.execute("select action from audit where object = %s order by id", (name,))
        return [action for (action,) in cursor.fetchall()]


def test_the_cookie_is_out_of_reach_of_scripts_and_foreign_sites(console, person) -> None:
    with console.client() as client:
        answer = client.post("/api/session", json={"name": person, "password": PASSWORD})
    cookie = answer.headers["set-cookie"].lower()
    assert answer.json() == {"name": person, "role": "operator", "enterprise": None}
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "path=/" in cookie


def test_the_database_knows_the_hash_of_a_cookie_alone(console, database, person) -> None:
    with console.client(person) as client:
        cookie = client.cookies["coldwatch"]
    with closing(psycopg2.connect(database.web_url)) as connection, connection.cursor() as cursor:
        cursor.execute("select id_sha256 from web_session where person = %s", (person,))
        assert bytes(cursor.fetchone()[0]) == hashlib.sha256(cookie.encode()).digest()
        cursor.execute("select password from person where name = %s", (person,))
        assert cursor.fetchone()[0].startswith("$argon2id$")


def test_signing_out_ends_the_session_for_good(console, database, person) -> None:
    with console.client(person) as client:
        cookie = client.cookies["coldwatch"]
        assert client.delete("/api/session").status_code == 204
        assert client.get("/api/session", headers={"Cookie": f"coldwatch={cookie}"}).status_code == 401
    assert audit_of(database, person) == ["person_added", "signed_in", "signed_out"]


def test_a_session_ends_by_itself(console, clock, person) -> None:
    with console.client(person) as client:
        assert client.get("/api/session").status_code == 200
        clock.ahead += timedelta(hours=13)
        assert (
            client.get(
                "/api/session", headers={"Cookie": f"coldwatch={client.cookies['coldwatch']}"}
            ).status_code
            == 401
        )


def test_a_disabled_person_is_out_at_once(console, database, person) -> None:
    with console.client(person) as client:
        with (
            closing(psycopg2.connect(database.web_url)) as connection,
            connection,
            connection.cursor() as cursor,
        ):
            cursor.execute("update person set disabled_at = now() where name = %s", (person,))
        assert client.get("/api/session").status_code == 401


def test_a_wrong_password_and_an_unknown_name_are_told_alike(console, person) -> None:
    with console.client() as client:
        wrong = client.post("/api/session", json={"name": person, "password": "wrong"})
        unknown = client.post("/api/session", json={"name": "nobody-" + person, "password": "wrong"})
    assert (wrong.status_code, wrong.json()) == (unknown.status_code, unknown.json())
    assert wrong.json()["code"] == "wrong_password"


def test_five_refusals_lock_a_name_out_until_the_window_is_over(console, database, clock, person) -> None:
    with console.client() as client:
        for _ in range(5):
            assert client.post("/api/session", json={"name": person, "password": "wrong"}).status_code == 401
        locked = client.post("/api/session", json={"name": person, "password": PASSWORD})
        assert (locked.status_code, locked.json()["code"]) == (429, "locked_out")
        assert 0 < int(locked.headers["retry-after"]) <= 15 * 60
        clock.ahead += timedelta(minutes=16)
        assert client.post("/api/session", json={"name": person, "password": PASSWORD}).status_code == 200
    assert audit_of(database, person).count("sign_in_refused") == 5


def test_a_good_sign_in_forgives_the_mistypings_before_it(console, person) -> None:
    with console.client() as client:
        for password in ["wrong"] * 4 + [PASSWORD] + ["wrong"] * 4 + [PASSWORD]:
            last = client.post("/api/session", json={"name": person, "password": password})
    assert last.status_code == 200


def test_an_address_that_guesses_names_is_locked_out(console, clock, person) -> None:
    with console.client() as client:
        codes = [
            client.post("/api/session", json={"name": f"guess{n}", "password": "x"}).status_code
            for n in range(31)
        ]
    assert codes == [401] * 30 + [429]


@pytest.mark.parametrize(("method", "path"), [("POST", "/api/session"), ("DELETE", "/api/session")])
def test_a_change_without_the_header_is_refused(console, method: str, path: str) -> None:
    with console.client() as client:
        del client.headers["X-Coldwatch"]
        answer = client.request(method, path)
    assert (answer.status_code, answer.json()["code"]) == (403, "header_missing")


@pytest.mark.parametrize("path", ["/", "/api/session", "/nowhere", "/static/app/main.js", "/readyz"])
def test_every_answer_carries_the_headers_of_safety(console, path: str) -> None:
    with console.client() as client:
        headers = client.get(path).headers
    policy = headers["content-security-policy"]
    for part in (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob: data:",
        "connect-src 'self'",
        "font-src 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "form-action 'self'",
    ):
        assert part in policy.split("; ")
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-opener-policy"] == "same-origin"


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/api/session", None, 401),
        ("GET", "/nowhere", None, 404),
        ("PUT", "/api/session", {}, 405),
        ("POST", "/api/session", {"name": 5}, 422),
        ("POST", "/api/session", {"name": "a\0b", "password": "x"}, 422),
        ("POST", "/api/session", {"name": "x" * 70_000, "password": "x"}, 413),
        ("GET", "/api/incidents?before=%00", None, 400),
    ],
)
def test_errors_are_problems_with_a_sentence_in_both_languages(console, method, path, body, status) -> None:
    with console.client() as client:
        answer = client.request(method, path, json=body)
    problem = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.status_code, problem["status"]) == (status, status)
    assert re.search("[\u4e00-\u9fff]", problem["title_zh"])
    assert re.fullmatch("[^\u4e00-\u9fff]+", problem["title_en"])
    assert problem["code"]


def test_a_mistyped_sign_in_does_not_echo_the_password(console) -> None:
    with console.client() as client:
        answer = client.post("/api/session", json={"name": 5, "password": "canary-7f3a"})
    assert "canary" not in answer.text


def test_the_first_administrator_is_made_once(fresh_database) -> None:
    with closing(psycopg2.connect(fresh_database.web_url)) as connection:
        name, password = people.ensure_first_admin(connection)
        assert people.ensure_first_admin(connection) is None
    console = RunningConsole(fresh_database.web_url)
    console.start()
    with console.client(name, password) as client:
        assert client.get("/api/session").json()["role"] == "admin"
    console.stop()


@pytest.mark.parametrize(
    ("name", "password", "role", "enterprise"),
    [
        ("system", PASSWORD, Role.OPERATOR, None),
        ("a b", PASSWORD, Role.OPERATOR, None),
        ("li", "short", Role.OPERATOR, None),
        ("li", PASSWORD, Role.ENTERPRISE, None),
        ("li", PASSWORD, Role.ENTERPRISE, "*"),
        ("li", PASSWORD, Role.ENTERPRISE, "no-such-enterprise"),
        ("li", PASSWORD, Role.ADMIN, "e1"),
    ],
)
def test_people_who_cannot_be_added_are_refused_with_a_sentence(
    database, name, password, role, enterprise
) -> None:
    with closing(psycopg2.connect(database.web_url)) as connection, connection.cursor() as cursor:
        with pytest.raises(Permanent, match="·"):
            people.add_person(cursor, name, password, role, enterprise, actor="test")
