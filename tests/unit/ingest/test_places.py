"""What may be said of enterprises, sites and assets, and what the sentence says when it may not."""

import pytest

from ingest.onboarding import Enrolment, Known, Problem, decide
from schemas.business_hours import Hours, Span, parse_business_hours

EVERY_DAY = (1, 2, 3, 4, 5, 6, 7)
WISH = {"id": "p1", "kind": "probe", "enterprise": "e1", "site": "s1"}
KNOWN = Known({}, {}, {"chilled": frozenset({"temperature"})})


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("", ()),
        ("  ", ()),
        ("06:00-22:00", (Hours(EVERY_DAY, (Span(360, 1320),)),)),
        ("00:00-24:00", (Hours(EVERY_DAY, (Span(0, 1440),)),)),
        ("22:00-04:00", (Hours(EVERY_DAY, (Span(1320, 240),)),)),
        (
            "1-5 6:00-10:00,16:00-21:00; 6,7 08:00-20:00",
            (
                Hours((1, 2, 3, 4, 5), (Span(360, 600), Span(960, 1260))),
                Hours((6, 7), (Span(480, 1200),)),
            ),
        ),
    ],
)
def test_business_hours_are_read(text: str, hours: tuple[Hours, ...]) -> None:
    assert parse_business_hours(text) == hours


@pytest.mark.parametrize(
    "text",
    [
        *("always", "06:00", "06-10", "6:0-7:0", "25:00-26:00", "24:01-25:00", "24:00-06:00", "08:00-08:00"),
        *("0-5 06:00-10:00", "5-1 06:00-10:00", "1,1 06:00-10:00", "8 06:00-10:00", "-1 06:00-07:00"),
        *("06:00-10:00;", "06:00-10:00,", "٠٦:00-10:00"),
    ],
)
def test_other_words_are_no_business_hours(text: str) -> None:
    with pytest.raises(ValueError, match="business hours") as error:
        parse_business_hours(text)
    assert "营业时间" in str(error.value)


@pytest.mark.parametrize(
    ("column", "value", "says"),
    [
        ("enterprise_kind", "castle", "school_canteen"),
        ("licence", "x" * 61, "60"),
        ("telephone", "call me", "digits"),
        ("business_hours", "always", "06:00-10:00"),
        ("site_state", "asleep", "commissioning, live"),
        ("asset_kind", "fridge", "cold_room"),
        ("product_class", "a\nb", "control"),
        ("county_name", "x" * 101, "100"),
    ],
)
def test_a_refusal_names_the_column_and_what_would_do(column: str, value: str, says: str) -> None:
    decision = decide(Enrolment(**WISH | {column: value}), KNOWN)
    assert isinstance(decision, Problem)
    assert decision.field == column
    assert says in decision.en
    assert decision.zh
