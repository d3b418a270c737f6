"""Every endpoint for every role: own rows are there, foreign ones are not, whatever is asked for."""

from collections.abc import Iterator, Sequence

import psycopg2
import pytest
from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from starlette.routing import Route

from schemas import scope
from schemas.person import Role
from tests import tenants
from tests.consoles import RunningConsole
from tests.tenants import Tenant

PUBLIC, OWN, LIST, ONE, ACT, STREAM = "public", "own", "list", "one", "act", "stream"
ROUTES: dict[str, tuple[str, ...]] = {
    "GET /": (PUBLIC,),
    "GET /static/{path:path}": (PUBLIC,),
    "GET /favicon.ico": (PUBLIC,),
    "GET /healthz": (PUBLIC,),
    "GET /readyz": (PUBLIC,),
    "GET /api/rules": (PUBLIC,),
    "POST /api/session": (PUBLIC,),
    "DELETE /api/session": (PUBLIC,),
    "GET /api/session": (OWN, "/api/session"),
    "GET /api/status": (OWN, "/api/status"),
    "GET /api/events": (STREAM, "/api/events"),
    "GET /api/incidents": (LIST, *(f"/api/incidents?state={state}" for state in ("open", "all", "closed"))),
    "GET /api/devices": (LIST, "/api/devices"),
    "GET /api/results": (LIST, "/api/results"),
    "GET /api/frames": (LIST, "/api/frames"),
    "GET /api/incidents/{id}": (ONE, "/api/incidents/{excursion}", "/api/incidents/{positive_test}"),
    "GET /api/incidents/{id}/curve": (ONE, "/api/incidents/{excursion}/curve"),
    "GET /api/devices/{id}": (ONE, "/api/devices/{probe}"),
    "GET /api/devices/{id}/curve": (ONE, "/api/devices/{probe}/curve"),
    "GET /api/frames/{sha256}/image": (ONE, "/api/frames/{sha256}/image"),
    "POST /api/incidents/{id}/acknowledge": (ACT, "/api/incidents/{positive_test}/acknowledge"),
    "POST /api/incidents/{id}/close": (ACT, "/api/incidents/{positive_test}/close"),
}
"""Every route of the application: what it gives, and how it is asked for with the names of a tenant's rows."""


def asked(*kinds: str) -> list[str]:
    return [path for kind, *paths in ROUTES.values() if kind in kinds for path in paths]


LISTS, ONES = asked(LIST), asked(ONE)
MINE, THEIRS = "jinyang", "hedong"


@pytest.fixture(scope="module")
def cast(servers) -> Iterator[tuple[RunningConsole, Tenant, Tenant]]:
    database = servers.fresh_database()
    mine, theirs = tenants.fill(database.pipeline_url, MINE, THEIRS)
    pictures = {t.sha256: tenants.picture_of(t.id) for t in (mine, theirs)}
    console = RunningConsole(database.web_url, pictures.get)
    console.start()
    console.add_person("kitchen", Role.ENTERPRISE, MINE)
    for role in (Role.OPERATOR, Role.REGULATOR, Role.ADMIN):
        console.add_person(role.value, role)
    yield console, mine, theirs
    console.stop()
    servers.drop_database(database)


def routes_of(app: FastAPI) -> set[str]:
    return {f"{method} {route.path}" for route in flat(app.routes) for method in route.methods - {"HEAD"}}


def flat(routes: Sequence[object]) -> Iterator[APIRoute]:
    """The routes of the application and of what it includes; of a kind that is not known, an error."""
    for route in routes:
        if isinstance(route, APIRoute):
            yield route
        elif not isinstance(route, Route):  # documentation pages of FastAPI's own, which we switch off
            yield from flat(route.original_router.routes)


def test_every_route_of_the_application_is_in_the_table(cast) -> None:
    console, *_ = cast
    assert routes_of(console.app) - ROUTES.keys() == set(), "say what it gives and how it is asked for"
    assert ROUTES.keys() - routes_of(console.app) == set()


def test_a_route_that_nobody_listed_is_seen() -> None:
    app, router = FastAPI(), APIRouter(prefix="/api")
    app.get("/secrets")(lambda: None)
    router.get("/secrets")(lambda: None)
    app.include_router(router)
    assert routes_of(app) - ROUTES.keys() == {"GET /secrets", "GET /api/secrets"}


@pytest.mark.parametrize("path", LISTS)
def test_lists_show_an_enterprise_its_own_rows_and_no_others(cast, path: str) -> None:
    console, mine, theirs = cast
    with console.client("kitchen") as client:
        body = client.get(path).raise_for_status().text
    assert mine.id in body
    assert theirs.id not in body


@pytest.mark.parametrize("role", ["operator", "regulator", "admin"])
@pytest.mark.parametrize("path", LISTS)
def test_lists_show_the_authority_all_rows(cast, path: str, role: str) -> None:
    console, mine, theirs = cast
    with console.client(role) as client:
        body = client.get(path).raise_for_status().text
    assert mine.id in body
    assert theirs.id in body


@pytest.mark.parametrize("path", ONES)
def test_one_of_another_tenant_is_not_found(cast, path: str) -> None:
    console, mine, theirs = cast
    with console.client("kitchen") as client:
        assert client.get(path.format(**vars(mine))).status_code == 200
        foreign = client.get(path.format(**vars(theirs)))
    assert foreign.status_code == 404
    assert theirs.id not in foreign.text


@pytest.mark.parametrize("path", asked(ACT))
def test_nobody_handles_an_incident_of_another_tenant(cast, path: str) -> None:
    console, _mine, theirs = cast
    with console.client("kitchen") as client:
        answer = client.post(path.format(**vars(theirs)), json={"note": "x"})
    assert answer.status_code in (403, 404)
    with console.client("operator") as client:
        assert client.get(f"/api/incidents/{theirs.positive_test}").json()["state"] == "open"


@pytest.mark.parametrize("path", asked(ACT))
def test_nobody_handles_anything_without_signing_in(cast, path: str) -> None:
    console, mine, _theirs = cast
    with console.client() as client:
        assert client.post(path.format(**vars(mine)), json={"note": "x"}).status_code == 401


@pytest.mark.parametrize("path", asked(LIST, ONE, OWN, STREAM))
def test_nobody_sees_anything_without_signing_in(cast, path: str) -> None:
    console, mine, _theirs = cast
    with console.client() as client:
        answer = client.get(path.format(**vars(mine)))
    assert answer.status_code == 401
    assert answer.json()["code"] == "signed_out"


def test_the_stream_repeats_to_an_enterprise_its_own_events_alone(cast) -> None:
    console, mine, theirs = cast
    with console.client("kitchen") as client, client.stream("GET", "/api/events?last_event=0") as stream:
        lines = []
        for line in stream.iter_lines():
            lines.append(line)
            if line.startswith("event: tick") and any("silence" in seen for seen in lines):
                break
    body = "\n".join(lines)
    assert mine.excursion in body
    assert theirs.id not in body


def test_the_console_role_without_a_tenant_sees_no_row(cast, request) -> None:
    console, *_ = cast
    for view in (
        "v_result",
        "v_frame",
        "v_rejection",
        "v_point_state",
        "v_incident_event",
        "v_latest",
        "v_asset",
        "v_incident",
    ):
        with console.pool.begin(scope.NONE) as cursor:
            cursor.execute(f"select count(*) from {view}")
            assert cursor.fetchone() == (0,), view
        with console.pool.begin(scope.of_enterprise(MINE)) as cursor:
            cursor.execute(f"select count(*) from {view}")
            assert cursor.fetchone()[0] >= 1, view


def test_a_tenant_setting_does_not_outlive_its_transaction(cast) -> None:
    console, *_ = cast
    with console.pool.begin(scope.ALL) as cursor:
        cursor.execute("select pg_backend_pid()")
    connection = console.pool._slots.get()
    assert isinstance(connection, psycopg2.extensions.connection)
    with connection, connection.cursor() as cursor:
        cursor.execute("select count(*) from v_device")
        assert cursor.fetchone() == (0,)
    console.pool._slots.put(connection)
