"""The migrations: a view that is in force names its columns."""

import re
from pathlib import Path

TABLES = Path(__file__).resolve().parents[3] / "schemas" / "tables"
VIEW = re.compile(
    r"create (?:or replace )?view (?P<name>\w+).*?\bas\b(?P<body>.*?);", re.DOTALL | re.IGNORECASE
)
STAR = re.compile(r"(?<!count\()(?:\bselect\s+|,\s*|\b\w+\.)\*", re.IGNORECASE)


def views_in_force() -> dict[str, str]:
    """The newest definition of each view."""
    texts = (file.read_text(encoding="utf-8") for file in sorted(TABLES.glob("*.sql")))
    return {found["name"]: found["body"] for text in texts for found in VIEW.finditer(text)}


def test_no_view_has_a_star() -> None:
    views = views_in_force()
    assert {"v_incident", "v_profile", "v_reading", "v_result"} <= views.keys()
    assert [name for name, body in views.items() if STAR.search(body)] == []


def test_a_star_would_be_found() -> None:
    assert STAR.search(" select * from incident")
    assert STAR.search(" select i.*, d.id from incident i")
    assert not STAR.search(" select count(*) from incident")
