"""The registry's rows: devices out of them, enrolments and changes into them. Inside the caller's transaction."""

from collections.abc import Mapping
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final

import msgspec
from psycopg2.extras import execute_values

from ingest import onboarding
from ingest.device_changes import facts_of
from ingest.kinds import Kind
from ingest.onboarding import Enrolment
from ingest.places import COLUMNS, Description
from schemas.registry import LIVE, Device, Facts, Point
from schemas.statements import load
from schemas.times import to_datetime, to_us

if TYPE_CHECKING:
    from psycopg2.extensions import cursor as Cursor  # noqa: N812

SQL: Final = load("ingest", "registry.sql")
PAGE: Final = 1000


class Listed(msgspec.Struct, frozen=True):
    """A row of the device list. places: what its enterprise, site and asset are, by column of `places.COLUMNS`."""

    device: Device
    county: str
    places: dict[str, str] = {}


# ---------------------------------------------------------------------- out


def by_ids(cursor: "Cursor", ids: list[str]) -> list[Listed]:
    """The devices of these ids that there are, by id."""
    cursor.execute(SQL["by_ids"], {"ids": ids})
    return listed(cursor.fetchall())


def one(cursor: "Cursor", device_id: str) -> Device | None:
    return next((found.device for found in by_ids(cursor, [device_id])), None)


def children(cursor: "Cursor", device_id: str) -> list[str]:
    """The devices behind it that are in use, by id."""
    cursor.execute(SQL["children"], {"id": device_id})
    return [row[0] for row in cursor.fetchall()]


def facts(cursor: "Cursor", device_id: str) -> tuple[Facts, ...]:
    """What has held of the device, oldest first."""
    cursor.execute(SQL["facts"], {"id": device_id})
    return tuple(
        Facts(
            from_us=to_us(from_at), kind=kind, interval_us=interval_us, profile=profile, behind=behind,
            asset=asset, metrics=tuple(metrics),
        )
        for from_at, kind, interval_us, profile, behind, asset, metrics in cursor.fetchall()
    )  # fmt: skip


def listed(rows: list[tuple[Any, ...]]) -> list[Listed]:
    """Devices from rows of one point each, sorted by device."""
    return [_listed_one(list(group)) for _id, group in groupby(rows, key=itemgetter(0))]


def _listed_one(rows: list[tuple[Any, ...]]) -> Listed:
    id_, kind, enterprise, site, interval_us, profile, token, behind, retired_at, asset, county = rows[0][:11]
    points = tuple(
        Point(id=point, device=id_, metric=metric, unit=unit, possible_low=low, possible_high=high)
        for point, metric, unit, low, high in (row[11:16] for row in rows)
        if point is not None
    )
    device = Device(
        id=id_,
        kind=kind,
        enterprise=enterprise,
        site=site,
        interval_us=interval_us,
        profile=profile,
        token_sha256=bytes(token or b""),
        behind=behind,
        asset=asset,
        retired_us=_us(retired_at),
        points=points,
    )
    return Listed(device, county, dict(zip(COLUMNS, rows[0][16:], strict=True)))


def _us(moment: datetime | None) -> int | None:
    return None if moment is None else to_us(moment)


# ---------------------------------------------------------------------- in


def add_all(
    cursor: "Cursor",
    accepted: list[Enrolment],
    tokens: dict[str, bytes],
    change: int,
    kinds: Mapping[str, Kind],
) -> None:
    """The devices with their points and facts, and the places that are new. tokens: SHA-256 by device."""
    _add_places(cursor, accepted)
    _add_devices(cursor, accepted, tokens, change)
    _add_points(cursor, [(one.id, one.enterprise, kinds[one.kind]) for one in accepted])
    _add_facts(cursor, [(one.id, facts_of(onboarding.as_device(one), kinds=kinds)) for one in accepted])


def change(cursor: "Cursor", wanted: Device, number: int, from_us: int, kinds: Mapping[str, Kind]) -> None:
    """The device as it is from now on; points that its kind has and it had not yet are added."""
    values = {
        "id": wanted.id,
        "kind": wanted.kind,
        "interval_us": wanted.interval_us,
        "profile": wanted.profile,
        "behind": wanted.behind or None,
        "asset": wanted.asset or None,
        "change": number,
    }
    cursor.execute(SQL["change"], values)
    if wanted.asset:
        asset = (wanted.enterprise, wanted.site, wanted.asset, wanted.asset, "", "")
        execute_values(cursor, SQL["add_assets"], [asset])
    _add_points(cursor, [(wanted.id, wanted.enterprise, kinds[wanted.kind])])
    _add_facts(cursor, [(wanted.id, facts_of(wanted, from_us, kinds))])


def has_place(cursor: "Cursor", wish: Description) -> bool:
    """Whether there is such a place; it stays until the commit."""
    cursor.execute(SQL[f"lock_{wish.level}"], _place(wish))
    return cursor.fetchone() is not None


def describe(cursor: "Cursor", wish: Description) -> None:
    """Sets the values that are given."""
    for field, value in wish.values.items():
        cursor.execute(SQL[f"set_{wish.level}_{field}"], _place(wish) | {"value": value})


def _place(wish: Description) -> dict[str, str]:
    return {"enterprise": wish.enterprise, "site": wish.site, "asset": wish.asset}


def _add_places(cursor: "Cursor", accepted: list[Enrolment]) -> None:
    """The first enrolment that mentions a place says what it is, when it is new."""
    counties = {e.county: (e.county, e.county_name or e.county) for e in reversed(accepted)}
    enterprises = {
        e.enterprise: (
            e.enterprise,
            e.enterprise_name or e.enterprise,
            e.county,
            e.enterprise_kind,
            e.licence,
        )
        for e in reversed(accepted)
    }
    sites = {
        (e.enterprise, e.site): (
            e.enterprise, e.site, e.site_name or e.site, e.telephone, e.business_hours, e.site_state or LIVE,
        )
        for e in reversed(accepted)
    }  # fmt: skip
    assets = {
        (e.enterprise, e.site, e.asset): (
            e.enterprise, e.site, e.asset, e.asset_name or e.asset, e.asset_kind, e.product_class,
        )
        for e in reversed(accepted)
        if e.asset
    }  # fmt: skip
    for name, places in (
        ("add_counties", counties),
        ("add_enterprises", enterprises),
        ("add_sites", sites),
        ("add_assets", assets),
    ):
        if places:
            execute_values(cursor, SQL[name], sorted(places.values()), page_size=PAGE)


def _add_devices(cursor: "Cursor", accepted: list[Enrolment], tokens: dict[str, bytes], change: int) -> None:
    """Gateways go first: their children refer to them."""
    rows = [
        (
            one.id,
            one.kind,
            one.enterprise,
            one.site,
            one.asset or None,
            one.behind or None,
            one.interval_us,
            one.profile,
            tokens.get(one.id),
            change,
        )
        for one in sorted(accepted, key=lambda one: bool(one.behind))
    ]
    execute_values(cursor, SQL["add_devices"], rows, page_size=PAGE)


def _add_points(cursor: "Cursor", devices: list[tuple[str, str, Kind]]) -> None:
    """The points of (device, enterprise, kind); one that is there stays as it is."""
    rows = [
        (device, enterprise, metric.name, metric.unit, metric.possible_low, metric.possible_high)
        for device, enterprise, kind in devices
        for metric in kind.metrics
    ]
    if rows:
        execute_values(cursor, SQL["add_points"], rows, page_size=PAGE)


def _add_facts(cursor: "Cursor", rows: list[tuple[str, Facts]]) -> None:
    values = [
        (
            device, to_datetime(one.from_us), one.kind, one.interval_us, one.profile, one.behind or None,
            one.asset or None, list(one.metrics),
        )
        for device, one in rows
    ]  # fmt: skip
    execute_values(
        cursor, SQL["add_facts"], values, page_size=PAGE, template="(%s, %s, %s, %s, %s, %s, %s, %s::text[])"
    )
