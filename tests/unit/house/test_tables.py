"""What the schema promises, read from its text: sources of thresholds, no disabled-by-memory row in force."""

import re
from importlib import resources

SQL = (resources.files("schemas") / "tables" / "0001_first_light.sql").read_text(encoding="utf-8")
PROFILES = (resources.files("schemas") / "tables" / "0002_profiles.sql").read_text(encoding="utf-8")


def test_every_published_view_is_security_invoker() -> None:
    views = re.findall(r"create view (\w+)( with \(security_invoker = true\))?", SQL)
    assert views
    assert not [name for name, invoker in views if not invoker]


def test_every_table_with_a_tenant_column_is_under_forced_row_security() -> None:
    tables = re.findall(r"create table (\w+) \((.*?)\n\);", SQL, re.DOTALL)
    tenant = {name for name, body in tables if re.search(r"^\s+enterprise\s+text", body, re.MULTILINE)}
    listed = set(re.findall(r"'(\w+)'", SQL.split("foreach t in array array")[1].split("loop")[0]))
    assert tenant - {"person"} <= listed | {"enterprise"}


def test_every_threshold_row_names_source_and_clause() -> None:
    rows = re.findall(r"^\('([a-z-]+)'.*?;?$", PROFILES, re.MULTILINE)
    sources = re.findall(r"^ '([^']+)', '([^']+)', '([VSD])',", PROFILES, re.MULTILINE)
    assert len(rows) == len(sources) > 0
