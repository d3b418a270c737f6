"""Whether a device may be enrolled or retired, and what to change when it may not. Pure: knowledge in, decision out."""

import string
from collections.abc import Mapping
from typing import Final

import msgspec

from ingest.kinds import KINDS, Kind
from ingest.places import COLUMNS, Problem, value_problem
from ingest.routing import GATEWAY
from schemas.profile import DEVICE_METRIC
from schemas.registry import Device

ID_MAX: Final = 63
FIRST: Final = frozenset(string.ascii_lowercase + string.digits)
REST: Final = FIRST | frozenset("_.-")
SECOND_US: Final = 1_000_000
INTERVAL_MIN_US: Final = SECOND_US
INTERVAL_MAX_US: Final = 7 * 86_400 * SECOND_US
DEFAULT_COUNTY: Final = "default"

__all__ = ["Enrolment", "Known", "Problem", "decide", "decide_all", "decide_retirement", "decide_rotation"]


class Enrolment(msgspec.Struct, frozen=True, kw_only=True):
    """The wish to enrol a device. "" and None take the kind's default; names default to the ids. What is said of the
    county, enterprise, site or asset is used when that does not exist yet (see `ingest.places` for the fields).
    """

    id: str
    kind: str
    enterprise: str
    site: str
    asset: str = ""
    county: str = ""
    behind: str = ""
    interval_us: int | None = None
    profile: str = ""
    county_name: str = ""
    enterprise_name: str = ""
    enterprise_kind: str = ""
    licence: str = ""
    site_name: str = ""
    telephone: str = ""
    business_hours: str = ""
    site_state: str = ""
    asset_name: str = ""
    asset_kind: str = ""
    product_class: str = ""


class Known(msgspec.Struct):
    """What the registry holds of the names that the enrolments mention.

    devices by id; counties by enterprise; profiles: the metrics that each has limits for. kinds: those there are.
    """

    devices: dict[str, Device] = {}
    counties: dict[str, str] = {}
    profiles: dict[str, frozenset[str]] = {}
    kinds: Mapping[str, Kind] = msgspec.field(default_factory=lambda: KINDS)


def decide_all(enrolments: list[Enrolment], known: Known) -> list[Enrolment | Problem]:
    """One decision for each, in order. A gateway may stand anywhere in the list, its children need not follow it.

    A decision is the Enrolment with its defaults filled in; `known` has learnt the accepted devices afterwards.
    """
    decisions: dict[int, Enrolment | Problem] = {}
    gateways_first = sorted(range(len(enrolments)), key=lambda index: enrolments[index].kind != GATEWAY)
    for index in gateways_first:
        decision = decide(enrolments[index], known)
        decisions[index] = decision
        if isinstance(decision, Enrolment):
            known.devices[decision.id] = as_device(decision)
            known.counties.setdefault(decision.enterprise, decision.county)
    return [decisions[index] for index in range(len(enrolments))]


def decide(enrolment: Enrolment, known: Known) -> Enrolment | Problem:
    """The enrolment with its defaults filled in, or the first problem."""
    filled = _filled(enrolment, known)
    return (
        names_problem(filled)
        or _places_problem(filled)
        or kind_problem(filled, known.kinds)
        or _existing_problem(filled, known)
        or _county_problem(filled, known)
        or gateway_problem(filled, known)
        or interval_problem(filled)
        or profile_problem(filled, known)
        or filled
    )


def decide_retirement(device_id: str, device: Device | None, children: list[str]) -> Problem | None:
    """None when the device may be retired. A gateway goes after its devices, else they would be cut off unseen."""
    if device is None:
        return unknown(device_id)
    if device.retired_us is not None:
        return Problem("id", f"{device_id} 已经停用", f"{device_id} is retired already")
    if children:
        some = ", ".join(children[:3]) + ("…" if len(children) > 3 else "")
        return Problem(
            "id",
            f"{device_id} 后面还有设备，请先停用它们：{some}",
            f"{device_id} still has devices behind it; retire them first: {some}",
        )
    return None


def decide_rotation(device_id: str, device: Device | None) -> Problem | None:
    """None when the device may get a new token."""
    if device is None:
        return unknown(device_id)
    if device.retired_us is not None:
        return Problem("id", f"{device_id} 已停用，不再发放令牌", f"{device_id} is retired and gets no token")
    return None


def unknown(device_id: str) -> Problem:
    return Problem(
        "id",
        f"没有设备 {device_id}；用 coldwatch device list 查看",
        f"there is no device {device_id}; see `coldwatch device list`",
    )


def _filled(enrolment: Enrolment, known: Known) -> Enrolment:
    kind = known.kinds.get(enrolment.kind)
    county = enrolment.county or known.counties.get(enrolment.enterprise, DEFAULT_COUNTY)
    interval_us = enrolment.interval_us
    if interval_us is None and kind is not None:
        interval_us = kind.interval_us
    profile = enrolment.profile or (kind.profile if kind is not None else "")
    return msgspec.structs.replace(enrolment, county=county, interval_us=interval_us, profile=profile)


def names_problem(enrolment: Enrolment) -> Problem | None:
    for field in ("id", "enterprise", "site", "asset", "county", "behind"):
        value = getattr(enrolment, field)
        if not value and field in ("asset", "behind"):
            continue
        if not is_slug(value):
            return Problem(
                field,
                f"“{value[:ID_MAX]}”不能用：请用小写字母、数字和 _ . -，以字母或数字开头，最长 {ID_MAX} 个字符",
                f"'{value[:ID_MAX]}' will not do: use lower-case letters, digits and _ . -, beginning with a letter "
                f"or digit, at most {ID_MAX} characters",
            )
    return None


def _places_problem(enrolment: Enrolment) -> Problem | None:
    for column, (level, field) in (COLUMNS | {"county_name": ("county", "name")}).items():
        if problem := value_problem(level, field, getattr(enrolment, column), column):
            return problem
    return None


def is_slug(text: str) -> bool:
    """Fit for a topic, a user name and an address: `[a-z0-9][a-z0-9_.-]{0,62}`."""
    return 0 < len(text) <= ID_MAX and text[0] in FIRST and REST.issuperset(text)


def kind_problem(enrolment: Enrolment, kinds: Mapping[str, Kind]) -> Problem | None:
    if enrolment.kind in kinds:
        return None
    choice = ", ".join(f"{kind.name} {kind.zh}" for kind in kinds.values())
    return Problem(
        "kind",
        f"没有“{enrolment.kind[:ID_MAX]}”这类设备，可选：{choice}",
        f"no such kind '{enrolment.kind[:ID_MAX]}'; choose one of {', '.join(kinds)}",
    )


def _existing_problem(enrolment: Enrolment, known: Known) -> Problem | None:
    existing = known.devices.get(enrolment.id)
    if existing is None:
        return None
    if existing.retired_us is not None:
        return Problem(
            "id",
            f"{enrolment.id} 曾经用过、已停用，它的历史还在：请换一个编号",
            f"{enrolment.id} was used and is retired, its history stays: choose another id",
        )
    return Problem(
        "id",
        f"{enrolment.id} 已经登记过：请换一个编号；要新令牌请用 coldwatch device token {enrolment.id}",
        f"{enrolment.id} is registered already: choose another id; for a new token use "
        f"`coldwatch device token {enrolment.id}`",
    )


def _county_problem(enrolment: Enrolment, known: Known) -> Problem | None:
    county = known.counties.get(enrolment.enterprise)
    if county is None or county == enrolment.county:
        return None
    return Problem(
        "county",
        f"企业 {enrolment.enterprise} 属于 {county}：请写 {county} 或留空",
        f"enterprise {enrolment.enterprise} is in {county}: say {county} or leave it empty",
    )


def gateway_problem(enrolment: Enrolment, known: Known) -> Problem | None:
    behind = enrolment.behind
    if not behind:
        return None
    if enrolment.kind == GATEWAY:
        return Problem(
            "behind", "网关不能接在另一个网关后面", "a gateway cannot stand behind another gateway"
        )
    gateway = known.devices.get(behind)
    if gateway is None or gateway.kind != GATEWAY or behind == enrolment.id:
        return Problem(
            "behind",
            f"{behind} 不是已登记的网关：请先登记它（--kind gateway）",
            f"{behind} is not a registered gateway: register it first (--kind gateway)",
        )
    if gateway.enterprise != enrolment.enterprise:
        return Problem(
            "behind",
            f"网关 {behind} 属于另一家企业：请用本企业的网关",
            f"gateway {behind} belongs to another enterprise: use one of this enterprise",
        )
    if gateway.retired_us is not None:
        return Problem(
            "behind", f"网关 {behind} 已停用：请换一个", f"gateway {behind} is retired: use another one"
        )
    return None


def interval_problem(enrolment: Enrolment) -> Problem | None:
    interval_us = enrolment.interval_us
    if interval_us is not None and INTERVAL_MIN_US <= interval_us <= INTERVAL_MAX_US:
        return None
    return Problem("interval", "上报间隔须在 1 秒到 7 天之间", "the interval must be from 1s to 7d")


def profile_problem(enrolment: Enrolment, known: Known) -> Problem | None:
    """The profile must say something about what the kind measures; for a kind without metrics, about devices."""
    wanted = {metric.name for metric in known.kinds[enrolment.kind].metrics} or {DEVICE_METRIC}
    if wanted & known.profiles.get(enrolment.profile, frozenset()):
        return None
    fitting = ", ".join(sorted(name for name, metrics in known.profiles.items() if wanted & metrics))
    return Problem(
        "profile",
        f"“{enrolment.profile[:ID_MAX]}”不适用于这类设备，可选：{fitting}",
        f"'{enrolment.profile[:ID_MAX]}' has no limits for this kind; choose one of {fitting}",
    )


def as_device(enrolment: Enrolment) -> Device:
    return Device(
        id=enrolment.id,
        kind=enrolment.kind,
        enterprise=enrolment.enterprise,
        site=enrolment.site,
        interval_us=enrolment.interval_us or INTERVAL_MAX_US,
        profile=enrolment.profile,
        behind=enrolment.behind,
        asset=enrolment.asset,
    )
