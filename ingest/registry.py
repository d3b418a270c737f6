"""The registry: who may connect, who stands behind whom, which points a device has. Port and PostgreSQL adapter.

The in-memory twin is `ingest.registry_memory`; the gateway signs devices in from a `RegistryCache`. Tokens are 256
random bits, so only their SHA-256 is stored and a fast hash is right.
"""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final, Protocol

import msgspec
import psycopg2
from psycopg2.extras import execute_values

from ingest import onboarding
from ingest.kinds import KINDS
from ingest.onboarding import Enrolment, Known, Problem
from ingest.registry_cache import Changes, RegistryCache, token_sha256
from schemas.errors import Temporary
from schemas.registry import Device, Point
from schemas.statements import load
from schemas.times import to_datetime, to_us

if TYPE_CHECKING:
    from psycopg2.extensions import connection as PsycopgConnection  # noqa: N812
    from psycopg2.extensions import cursor as Cursor  # noqa: N812

__all__ = ["Changes", "Enrolled", "Listed", "PostgresRegistry", "Registry", "RegistryCache", "fetch_changes"]

SQL: Final = load("ingest", "registry.sql")
PAGE: Final = 1000


class Enrolled(msgspec.Struct, frozen=True):
    """A device that is in the registry now. `token` is told this once; "" for one that speaks through its gateway."""

    device: Device
    token: str


class Listed(msgspec.Struct, frozen=True):
    """A row of the device list."""

    device: Device
    asset: str
    county: str


class Registry(Protocol):
    """What is done to the registry. Every change is one transaction that takes the next change number.

    All raise Temporary when the registry cannot be reached.
    """

    def enrol(self, enrolment: Enrolment) -> Enrolled | Problem:
        """Creates the device with its points, and what is missing around it."""

    def enrol_many(self, enrolments: list[Enrolment]) -> list[Enrolled | Problem]:
        """One answer for each, in order; the sound ones are in, whatever the others are."""

    def retire(self, device_id: str, now_us: int) -> Device | Problem:
        """The device may not connect any more; its history stays, its id is never used again."""

    def rotate(self, device_id: str) -> Enrolled | Problem:
        """A new token; the old one is void at once. A device behind a gateway may have one too, and then connect."""

    def list_devices(self, enterprise: str = "") -> list[Listed]:
        """All devices, or those of one enterprise, by id; retired ones included."""

    def fetch_changes(self, since: int) -> Changes:
        """What has changed since that number; 0: everything."""


class PostgresRegistry:
    """The registry in the database, as role pipeline. The connection is the caller's, and in no transaction."""

    def __init__(self, connection: "PsycopgConnection") -> None:
        self._connection = connection

    def enrol(self, enrolment: Enrolment) -> Enrolled | Problem:
        return self.enrol_many([enrolment])[0]

    def enrol_many(self, enrolments: list[Enrolment]) -> list[Enrolled | Problem]:
        with self._transaction() as cursor:
            change = _take_number(cursor)
            decisions = onboarding.decide_all(enrolments, _known(cursor, enrolments))
            accepted = [decision for decision in decisions if isinstance(decision, Enrolment)]
            if not accepted:
                self._connection.rollback()
                return [decision for decision in decisions if isinstance(decision, Problem)]
            tokens = {one.id: "" if one.behind else new_token() for one in accepted}
            _add_places(cursor, accepted)
            _add_devices(cursor, accepted, tokens, change)
            _add_points(cursor, accepted)
            devices = {listed.device.id: listed.device for listed in _by_ids(cursor, list(tokens))}
        return [
            Enrolled(devices[decision.id], tokens[decision.id])
            if isinstance(decision, Enrolment)
            else decision
            for decision in decisions
        ]

    def retire(self, device_id: str, now_us: int) -> Device | Problem:
        with self._transaction() as cursor:
            change = _take_number(cursor)
            cursor.execute(SQL["children"], {"id": device_id})
            children = [row[0] for row in cursor.fetchall()]
            if problem := onboarding.decide_retirement(device_id, _one(cursor, device_id), children):
                self._connection.rollback()
                return problem
            cursor.execute(SQL["retire"], {"id": device_id, "now": to_datetime(now_us), "change": change})
            return _existing(cursor, device_id)

    def rotate(self, device_id: str) -> Enrolled | Problem:
        token = new_token()
        with self._transaction() as cursor:
            change = _take_number(cursor)
            if problem := onboarding.decide_rotation(device_id, _one(cursor, device_id)):
                self._connection.rollback()
                return problem
            values = {"id": device_id, "token_sha256": token_sha256(token), "change": change}
            cursor.execute(SQL["set_token"], values)
            return Enrolled(_existing(cursor, device_id), token)

    def list_devices(self, enterprise: str = "") -> list[Listed]:
        with self._transaction() as cursor:
            cursor.execute(SQL["listed"], {"enterprise": enterprise})
            return _listed(cursor.fetchall())

    def fetch_changes(self, since: int) -> Changes:
        with self._transaction():
            return fetch_changes(self._connection, since)

    @contextmanager
    def _transaction(self) -> "Iterator[Cursor]":
        try:
            with self._connection, self._connection.cursor() as cursor:
                yield cursor
        except (psycopg2.OperationalError, psycopg2.InterfaceError) as error:
            raise Temporary(f"数据库无法访问 / the database cannot be reached: {error}".strip()) from error


def fetch_changes(connection: "PsycopgConnection", since: int) -> Changes:
    """What has changed since that number. The number is read first: what is newer may come twice, never not at all.

    Raises psycopg2's errors as they are.
    """
    with connection.cursor() as cursor:
        cursor.execute(SQL["number"])
        (number,) = cursor.fetchone() or (0,)
        if number == since:
            return Changes(number, ())
        cursor.execute(SQL["changes"], {"since": since})
        return Changes(number, tuple(listed.device for listed in _listed(cursor.fetchall())))


def new_token() -> str:
    """256 random bits, fit for a password field and a shell."""
    return secrets.token_urlsafe(32)


def points_of(kind: str) -> list[tuple[str, str, float, float]]:
    """(metric, unit, possible low, possible high) of the points that a new device of a kind gets."""
    return [(m.name, m.unit, m.possible_low, m.possible_high) for m in KINDS[kind].metrics]


def _take_number(cursor: "Cursor") -> int:
    cursor.execute(SQL["take_number"])
    return int((cursor.fetchone() or (0,))[0])


def _known(cursor: "Cursor", enrolments: list[Enrolment]) -> Known:
    """What the decisions need; read under the writers' lock, so that it holds until the commit."""
    ids = {one.id for one in enrolments} | {one.behind for one in enrolments}
    devices = {listed.device.id: listed.device for listed in _by_ids(cursor, sorted(ids))}
    cursor.execute(SQL["counties"], {"enterprises": sorted({one.enterprise for one in enrolments})})
    counties = dict(cursor.fetchall())
    cursor.execute(SQL["profiles"])
    return Known(devices, counties, {name: frozenset(metrics) for name, metrics in cursor.fetchall()})


def _add_places(cursor: "Cursor", accepted: list[Enrolment]) -> None:
    counties = {(e.county, e.county_name or e.county) for e in accepted}
    enterprises = {(e.enterprise, e.enterprise_name or e.enterprise, e.county) for e in accepted}
    sites = {(e.enterprise, e.site, e.site_name or e.site) for e in accepted}
    assets = {(e.enterprise, e.site, e.asset, e.asset_name or e.asset) for e in accepted if e.asset}
    for name, rows in (
        ("add_counties", counties),
        ("add_enterprises", enterprises),
        ("add_sites", sites),
        ("add_assets", assets),
    ):
        if rows:
            execute_values(cursor, SQL[name], sorted(rows), page_size=PAGE)


def _add_devices(cursor: "Cursor", accepted: list[Enrolment], tokens: dict[str, str], change: int) -> None:
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
            token_sha256(tokens[one.id]) if tokens[one.id] else None,
            change,
        )
        for one in sorted(accepted, key=lambda one: bool(one.behind))
    ]
    execute_values(cursor, SQL["add_devices"], rows, page_size=PAGE)


def _add_points(cursor: "Cursor", accepted: list[Enrolment]) -> None:
    rows = [(one.id, one.enterprise, *point) for one in accepted for point in points_of(one.kind)]
    if rows:
        execute_values(cursor, SQL["add_points"], rows, page_size=PAGE)


def _by_ids(cursor: "Cursor", ids: list[str]) -> list[Listed]:
    cursor.execute(SQL["by_ids"], {"ids": ids})
    return _listed(cursor.fetchall())


def _one(cursor: "Cursor", device_id: str) -> Device | None:
    return next((listed.device for listed in _by_ids(cursor, [device_id])), None)


def _existing(cursor: "Cursor", device_id: str) -> Device:
    device = _one(cursor, device_id)
    assert device is not None
    return device


def _listed(rows: list[tuple[Any, ...]]) -> list[Listed]:
    """Devices from rows of one point each, sorted by device."""
    return [_listed_one(list(group)) for _id, group in groupby(rows, key=itemgetter(0))]


def _listed_one(rows: list[tuple[Any, ...]]) -> Listed:
    id_, kind, enterprise, site, interval_us, profile, token, behind, retired_at, asset, county = rows[0][:11]
    points = tuple(
        Point(id=point, device=id_, metric=metric, unit=unit, possible_low=low, possible_high=high)
        for *_device, point, metric, unit, low, high in rows
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
        retired_us=_us(retired_at),
        points=points,
    )
    return Listed(device, asset, county)


def _us(moment: datetime | None) -> int | None:
    return None if moment is None else to_us(moment)
