"""What may change about a device that is in use, and the facts that hold from then on. Pure."""

from collections.abc import Mapping, Sequence

import msgspec

from ingest.kinds import KINDS, Kind
from ingest.onboarding import (
    DEFAULT_COUNTY,
    Enrolment,
    Known,
    Problem,
    gateway_problem,
    interval_problem,
    kind_problem,
    names_problem,
    profile_problem,
    unknown,
)
from ingest.routing import GATEWAY
from schemas.registry import KNOWN_AFTER_US, Device, Facts


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """The wish to change a device; None leaves as it is. behind, asset: "" takes it away.

    A new kind brings its own profile when none is named; a profile that does not fit the kind is refused.
    """

    device: str
    kind: str | None = None
    interval_us: int | None = None
    profile: str | None = None
    behind: str | None = None
    asset: str | None = None


def decide_change(
    change: Change, device: Device | None, known: Known, children: list[str]
) -> Device | Problem:
    """The device as it is to be (its points and facts as they were), or why not."""
    if device is None:
        return unknown(change.device)
    if device.retired_us is not None:
        return Problem("id", f"{device.id} 已停用，不再更改", f"{device.id} is retired and stays as it is")
    if change == Change(device=change.device):
        return Problem(
            "id",
            "没有要改的内容，可改：kind, interval, profile, behind, asset",
            "nothing to change; there are kind, interval, profile, behind, asset",
        )
    wanted = _changed(change, device, known.kinds)
    if wanted == device:
        return Problem("id", f"{device.id} 已经是这样", f"{device.id} is so already")
    if device.kind == GATEWAY and wanted.kind != GATEWAY and children:
        some = ", ".join(children[:3]) + ("…" if len(children) > 3 else "")
        return Problem(
            "kind",
            f"{device.id} 后面还有设备，请先改接它们：{some}",
            f"{device.id} still has devices behind it; move them first: {some}",
        )
    wish = _as_enrolment(wanted)
    return (
        names_problem(wish)
        or kind_problem(wish, known.kinds)
        or gateway_problem(wish, known)
        or interval_problem(wish)
        or profile_problem(wish, known)
        or wanted
    )


def facts_of(device: Device, from_us: int = 0, kinds: Mapping[str, Kind] = KINDS) -> Facts:
    """What holds of a device as it is, from then on."""
    return Facts(
        from_us=from_us,
        kind=device.kind,
        interval_us=device.interval_us,
        profile=device.profile,
        behind=device.behind,
        asset=device.asset,
        metrics=tuple(metric.name for metric in kinds[device.kind].metrics),
    )


def holds_from(facts: Sequence[Facts], now_us: int) -> int:
    """From when a change that is written now holds: once all have heard of it, and after the change before it."""
    return max(now_us + KNOWN_AFTER_US, facts[-1].from_us + 1 if facts else 0)


def _changed(change: Change, device: Device, kinds: Mapping[str, Kind]) -> Device:
    kind = kinds.get(change.kind or device.kind)
    profile = change.profile or device.profile
    if kind is not None and kind.name != device.kind and not change.profile:
        profile = kind.profile
    return msgspec.structs.replace(
        device,
        kind=change.kind or device.kind,
        interval_us=device.interval_us if change.interval_us is None else change.interval_us,
        profile=profile,
        behind=device.behind if change.behind is None else change.behind,
        asset=device.asset if change.asset is None else change.asset,
    )


def _as_enrolment(device: Device) -> Enrolment:
    return Enrolment(
        id=device.id,
        kind=device.kind,
        enterprise=device.enterprise,
        site=device.site,
        asset=device.asset,
        county=DEFAULT_COUNTY,
        behind=device.behind,
        interval_us=device.interval_us,
        profile=device.profile,
    )
