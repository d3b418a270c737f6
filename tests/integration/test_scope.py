"""Who sees what is said once: for any scope and row, `Scope.sees`, the SQL function and row security agree."""

from collections.abc import Iterator

import psycopg2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas import scope
from schemas.scope import Scope

NAMES = ("a", "b", "ab", "all", "none", "county:a", "enterprise:a", "a:b", "%", "市")
COUNTIES = ("c1", "c2", "a", "all")
MALFORMED = (
    "",
    "*",
    "ALL",
    "all ",
    "county",
    "county:",
    "enterprise:",
    "enterprise",
    "a",
    "county:c1 ",
    "none:",
)

text = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=6)
names = st.sampled_from(NAMES) | text
scopes = st.one_of(
    st.sampled_from([scope.ALL, scope.NONE]),
    st.one_of(names, st.sampled_from(COUNTIES)).filter(bool).map(scope.of_county),
    names.filter(bool).map(scope.of_enterprise),
)
ONCE = settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def web(servers) -> Iterator["psycopg2.extensions.connection"]:
    """Role web on a database with an enterprise of each name, spread over the counties."""
    database = servers.fresh_database()
    pipeline = psycopg2.connect(database.pipeline_url)
    with pipeline, pipeline.cursor() as cursor:
        for county in COUNTIES:
            cursor.execute("insert into county values (%s, %s)", (county, county))
        for number, name in enumerate(NAMES):
            county = COUNTIES[number % len(COUNTIES)]
            cursor.execute("insert into enterprise values (%s, %s, %s)", (name, name, county))
            cursor.execute("insert into site values (%s, 's', 's')", (name,))
        for name in (*NAMES, None):
            cursor.execute(
                "insert into rejection (topic_kafka, partition, position, disposition, code, path, detail, device,"
                " publisher, enterprise, topic, received_at, count)"
                " values (%s, 0, 0, 'dead_lettered', 'bad_json', '$', '', 'd', 'd', %s, '', now(), 1)",
                (str(name), name),
            )
    pipeline.close()
    connection = psycopg2.connect(database.web_url)
    yield connection
    connection.close()
    servers.drop_database(database)


def asked(web, setting: str | None, statement: str, parameters: tuple = ()) -> list:
    with web, web.cursor() as cursor:
        if setting is not None:
            cursor.execute("select set_config(%s, %s, true)", (scope.SETTING, setting))
        cursor.execute(statement, parameters)
        return cursor.fetchall()


@ONCE
@given(scopes, st.none() | names, st.none() | names | st.sampled_from(COUNTIES))
def test_the_database_sees_what_python_sees(
    web, seen: Scope, enterprise: str | None, county: str | None
) -> None:
    assert asked(web, seen.setting, "select coldwatch_sees(%s, %s)", (enterprise, county)) == [
        (seen.sees(enterprise, county),)
    ]


@ONCE
@given(scopes)
def test_row_security_shows_the_rows_that_python_sees(web, seen: Scope) -> None:
    county_of = {name: COUNTIES[number % len(COUNTIES)] for number, name in enumerate(NAMES)}
    for statement, owners in (
        ("select id from enterprise", NAMES),
        ("select enterprise from site", NAMES),
        ("select enterprise from v_rejection", (*NAMES, None)),
    ):
        shown = {owner for (owner,) in asked(web, seen.setting, statement)}
        assert shown == {owner for owner in owners if seen.sees(owner, county_of.get(owner or ""))}


@ONCE
@given(st.sampled_from(MALFORMED) | text, names, names)
def test_a_malformed_setting_shows_nothing_in_either(web, setting: str, enterprise: str, county: str) -> None:
    read = scope.parse(setting)
    if read is scope.NONE:
        assert asked(web, setting, "select coldwatch_sees(%s, %s)", (enterprise, county)) == [(False,)]
        assert not Scope(setting).sees(enterprise, county)
    else:
        assert read.setting == setting


@pytest.mark.parametrize("setting", [None, "none", *MALFORMED])
@pytest.mark.parametrize("table", ["enterprise", "site", "rejection"])
def test_absent_none_and_malformed_settings_show_no_row(web, setting: str | None, table: str) -> None:
    assert asked(web, setting, f"select count(*) from {table}") == [(0,)]


@given(scopes)
def test_a_scope_is_read_back_from_its_setting(seen: Scope) -> None:
    assert scope.parse(seen.setting) == seen


def test_what_is_no_enterprises_is_seen_by_all_alone() -> None:
    assert scope.ALL.sees(None, None)
    for seen in (scope.NONE, scope.of_county("c1"), scope.of_enterprise("a")):
        assert not seen.sees(None, None)
        assert not seen.sees(None, "c1")


@pytest.mark.parametrize("make", [scope.of_county, scope.of_enterprise])
def test_a_scope_of_nobody_cannot_be_made(make) -> None:
    with pytest.raises(ValueError, match="needs a name"):
        make("")
