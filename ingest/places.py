"""What enterprises, sites and assets are: the fields of each, and what may stand in them. Pure."""

from typing import Final

import msgspec

from schemas.business_hours import parse_business_hours
from schemas.registry import ASSET_KINDS, ENTERPRISE_KINDS, SITE_STATES

NAME_MAX: Final = 100
LICENCE_MAX: Final = 60
NEVER_EMPTY: Final = ("name", "state")
TELEPHONE: Final = frozenset("0123456789+-() ,;/转x")
FIELDS: Final = {
    "enterprise": ("name", "kind", "licence"),
    "site": ("name", "telephone", "business_hours", "state"),
    "asset": ("name", "kind", "product_class"),
}
"""The fields of each level as the registry keeps them."""
COLUMNS: Final = {
    "enterprise_name": ("enterprise", "name"),
    "enterprise_kind": ("enterprise", "kind"),
    "licence": ("enterprise", "licence"),
    "site_name": ("site", "name"),
    "telephone": ("site", "telephone"),
    "business_hours": ("site", "business_hours"),
    "site_state": ("site", "state"),
    "asset_name": ("asset", "name"),
    "asset_kind": ("asset", "kind"),
    "product_class": ("asset", "product_class"),
}
"""The same fields as enrolments and their files call them."""
CHOICES: Final = {
    ("enterprise", "kind"): ENTERPRISE_KINDS,
    ("site", "state"): SITE_STATES,
    ("asset", "kind"): ASSET_KINDS,
}
LONGEST: Final = {"licence": LICENCE_MAX, "telephone": LICENCE_MAX, "business_hours": 200}


class Problem(msgspec.Struct, frozen=True):
    """Why not, and what to change. `field` is the one that was asked with."""

    field: str
    zh: str
    en: str

    def sentence(self) -> str:
        return f"{self.field}:{self.zh} / {self.field}: {self.en}"


class Description(msgspec.Struct, frozen=True, kw_only=True):
    """New values of an enterprise, of one of its sites, or of an asset there; `values` by field of that level."""

    enterprise: str
    site: str = ""
    asset: str = ""
    values: dict[str, str]

    @property
    def level(self) -> str:
        return "asset" if self.asset else "site" if self.site else "enterprise"


def decide_description(wish: Description, exists: bool) -> Problem | None:
    """None when the place may be described so."""
    if not exists:
        name = "/".join(part for part in (wish.enterprise, wish.site, wish.asset) if part)
        return Problem(
            wish.level,
            f"没有登记过 {name}；用 coldwatch device list 查看",
            f"{name} is not registered; see `coldwatch device list`",
        )
    if not wish.values:
        fields = ", ".join(FIELDS[wish.level])
        return Problem("values", f"没有要改的内容，可改：{fields}", f"nothing to change; there are {fields}")
    for field, value in wish.values.items():
        if field not in FIELDS[wish.level]:
            fields = ", ".join(FIELDS[wish.level])
            return Problem(
                field, f"这里没有这一项，可改：{fields}", f"no such field here; there are {fields}"
            )
        if not value and field in NEVER_EMPTY:
            return Problem(field, "不能为空", "it cannot be empty")
        if problem := value_problem(wish.level, field, value, field):
            return problem
    return None


def value_problem(level: str, field: str, value: str, called: str) -> Problem | None:
    """What is wrong with a value ("" is never wrong); the problem names it as `called`."""
    if not value:
        return None
    longest = LONGEST.get(field, NAME_MAX)
    if len(value) > longest or not value.isprintable():
        return Problem(
            called,
            f"最长 {longest} 个字符，不含控制字符",
            f"at most {longest} characters and no control characters",
        )
    choices = CHOICES.get((level, field))
    if choices and value not in choices:
        return Problem(
            called,
            f"没有“{value}”，可选：{', '.join(choices)}",
            f"no '{value}'; choose one of {', '.join(choices)}",
        )
    if field == "telephone" and not TELEPHONE.issuperset(value):
        return Problem(
            called, "电话只写数字和 + - ( ) 转", "a telephone number has digits and + - ( ) x alone"
        )
    return _hours_problem(value, called) if field == "business_hours" else None


def _hours_problem(value: str, called: str) -> Problem | None:
    try:
        parse_business_hours(value)
    except ValueError as error:
        zh, _, en = str(error).partition(" / ")
        return Problem(called, zh, en)
    return None
