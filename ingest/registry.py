"""The registry: who may connect, who stands behind whom, which points a device has. Port and PostgreSQL adapter.

The in-memory twin is `ingest.registry_memory`; the gateway signs devices in from a `RegistryCache`. Tokens are 256
random bits, so only their SHA-256 is stored and a fast hash is right. Rows are read and written in `registry_rows`.
"""

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

import msgspec
import psycopg2

from ingest import device_changes, onboarding, places
from ingest import registry_rows as rows
from ingest.device_changes import Change
from ingest.kinds import KINDS, Kind
from ingest.onboarding import Enrolment, Known
from ingest.places import Description, Problem
from ingest.registry_cache import Changes, RegistryCache, token_sha256
from ingest.registry_rows import SQL, Listed
from schemas.errors import Temporary
from schemas.registry import Device, Facts
from schemas.times import to_datetime

if TYPE_CHECKING:
    from psycopg2.extensions import connection as PsycopgConnection  # noqa: N812
    from psycopg2.extensions import cursor as Cursor  # noqa: N812

__all__ = ["Changes", "Enrolled", "Listed", "PostgresRegistry", "Registry", "RegistryCache", "fetch_changes"]


class Enrolled(msgspec.Struct, frozen=True):
    """A device that is in the registry now. `token` is told this once; "" for one that speaks through its gateway."""

    device: Device
    token: str


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

    def change(self, change: Change, now_us: int) -> Device | Problem:
        """The device as it is now. What is received from `KNOWN_AFTER_US` after now_us on is judged by it."""

    def facts(self, device_id: str) -> tuple[Facts, ...]:
        """What has held of a device and when, oldest first; () for an unknown one."""

    def describe(self, wish: Description) -> Problem | None:
        """Changes what is known of an enterprise, a site or an asset; None when it is done."""

    def rotate(self, device_id: str) -> Enrolled | Problem:
        """A new token; the old one is void at once. A device behind a gateway may have one too, and then connect."""

    def list_devices(self, enterprise: str = "") -> list[Listed]:
        """All devices, or those of one enterprise, by id; retired ones included."""

    def fetch_changes(self, since: int) -> Changes:
        """What has changed since that number; 0: everything."""


class PostgresRegistry:
    """The registry in the database, as role pipeline. The connection is the caller's, and in no transaction."""

    def __init__(self, connection: "PsycopgConnection", kinds: Mapping[str, Kind] = KINDS) -> None:
        self._kinds = kinds
        self._connection = connection

    def enrol(self, enrolment: Enrolment) -> Enrolled | Problem:
        return self.enrol_many([enrolment])[0]

    def enrol_many(self, enrolments: list[Enrolment]) -> list[Enrolled | Problem]:
        with self._transaction() as cursor:
            change = _take_number(cursor)
            decisions = onboarding.decide_all(enrolments, _known(cursor, enrolments, self._kinds))
            accepted = [decision for decision in decisions if isinstance(decision, Enrolment)]
            if not accepted:
                self._connection.rollback()
                return [decision for decision in decisions if isinstance(decision, Problem)]
            tokens = {one.id: "" if one.behind else new_token() for one in accepted}
            hashes = {id_: token_sha256(token) for id_, token in tokens.items() if token}
            rows.add_all(cursor, accepted, hashes, change, self._kinds)
            devices = {listed.device.id: listed.device for listed in rows.by_ids(cursor, list(tokens))}
        return [
            Enrolled(devices[decision.id], tokens[decision.id])
            if isinstance(decision, Enrolment)
            else decision
            for decision in decisions
        ]

    def retire(self, device_id: str, now_us: int) -> Device | Problem:
        with self._transaction() as cursor:
            change = _take_number(cursor)
            device, children = rows.one(cursor, device_id), rows.children(cursor, device_id)
            if problem := onboarding.decide_retirement(device_id, device, children):
                self._connection.rollback()
                return problem
            cursor.execute(SQL["retire"], {"id": device_id, "now": to_datetime(now_us), "change": change})
            return _existing(cursor, device_id)

    def change(self, change: Change, now_us: int) -> Device | Problem:
        with self._transaction() as cursor:
            number = _take_number(cursor)
            device, children = rows.one(cursor, change.device), rows.children(cursor, change.device)
            behind = (device.behind if device else "") if change.behind is None else change.behind
            known = _known(cursor, [], self._kinds, [behind])
            wanted = device_changes.decide_change(change, device, known, children)
            if isinstance(wanted, Problem):
                self._connection.rollback()
                return wanted
            from_us = device_changes.holds_from(rows.facts(cursor, wanted.id), now_us)
            rows.change(cursor, wanted, number, from_us, self._kinds)
            return _existing(cursor, wanted.id)

    def facts(self, device_id: str) -> tuple[Facts, ...]:
        with self._transaction() as cursor:
            return rows.facts(cursor, device_id)

    def describe(self, wish: Description) -> Problem | None:
        with self._transaction() as cursor:
            if problem := places.decide_description(wish, rows.has_place(cursor, wish)):
                self._connection.rollback()
                return problem
            rows.describe(cursor, wish)
            return None

    def rotate(self, device_id: str) -> Enrolled | Problem:
        token = new_token()
        with self._transaction() as cursor:
            change = _take_number(cursor)
            if problem := onboarding.decide_rotation(device_id, rows.one(cursor, device_id)):
                self._connection.rollback()
                return problem
            values = {"id": device_id, "token_sha256": token_sha256(token), "change": change}
            cursor.execute(SQL["set_token"], values)
            return Enrolled(_existing(cursor, device_id), token)

    def list_devices(self, enterprise: str = "") -> list[Listed]:
        with self._transaction() as cursor:
            cursor.execute(SQL["listed"], {"enterprise": enterprise})
            return rows.listed(cursor.fetchall())

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
        return Changes(number, tuple(listed.device for listed in rows.listed(cursor.fetchall())))


def new_token() -> str:
    """256 random bits, fit for a password field and a shell."""
    return secrets.token_urlsafe(32)


def _take_number(cursor: "Cursor") -> int:
    cursor.execute(SQL["take_number"])
    return int((cursor.fetchone() or (0,))[0])


def _known(
    cursor: "Cursor",
    enrolments: list[Enrolment],
    kinds: Mapping[str, Kind],
    ids: list[str] | None = None,
) -> Known:
    """What the decisions need; read under the writers' lock, so that it holds until the commit."""
    named = {one.id for one in enrolments} | {one.behind for one in enrolments} | set(ids or ())
    devices = {listed.device.id: listed.device for listed in rows.by_ids(cursor, sorted(named))}
    cursor.execute(SQL["counties"], {"enterprises": sorted({one.enterprise for one in enrolments})})
    counties = dict(cursor.fetchall())
    cursor.execute(SQL["profiles"])
    return Known(devices, counties, {name: frozenset(metrics) for name, metrics in cursor.fetchall()}, kinds)


def _existing(cursor: "Cursor", device_id: str) -> Device:
    device = rows.one(cursor, device_id)
    assert device is not None
    return device
