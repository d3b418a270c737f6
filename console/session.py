"""Signing in: argon2id for passwords, an opaque cookie of 256 bits of which the database knows the hash alone.

Five refused sign-ins of a name from one address within a quarter of an hour lock that pair out until it is over; an
address that has guessed thirty times is locked out whatever the names. Each sign-in, good or refused, is in the audit.
"""

import hashlib
import secrets
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import psycopg2.extensions
import psycopg2.extras

from console import passwords
from console.problems import SIGNED_OUT, WRONG_PASSWORD
from schemas import scope
from schemas.person import Role, Viewer
from schemas.refusal import Ground, Refusal, Refused
from schemas.scope import Scope
from schemas.statements import load

Cursor = psycopg2.extensions.cursor
Begin = Callable[[Scope], AbstractContextManager[Cursor]]

SQL: Final = load("console", "console.sql")
COOKIE: Final = "coldwatch"
WINDOW: Final = timedelta(minutes=15)
MOST_REFUSALS_OF_NAME: Final = 5
MOST_REFUSALS_OF_ADDRESS: Final = 30
LONGEST_NAME: Final = 100

LOCKED: Final = Refusal(
    Ground.TOO_MANY,
    "locked_out",
    "登录失败次数太多，请 15 分钟后再试，或请管理员重设密码。",
    "Too many refused sign-ins; try again in 15 minutes, or have an administrator set a new password.",
)
ONE_AT_A_TIME: Final = Refusal(
    Ground.TOO_MANY,
    "one_at_a_time",
    "该用户名正在登录，请稍候。",
    "A sign-in with this name is under way; wait a moment.",
)


@dataclass(frozen=True)
class SignedIn:
    """A new session: the cookie's value, which is nowhere else, and when it ends."""

    cookie: str
    viewer: Viewer
    expires_at: datetime


class Sessions:
    """Sign-in, look-up and sign-out, as role web."""

    def __init__(self, begin: Begin, lifetime: timedelta, now: Callable[[], datetime]) -> None:
        self._begin = begin
        self._lifetime = lifetime
        self._now = now
        self._under_way: set[tuple[str, str]] = set()
        self._guard = threading.Lock()

    def sign_in(self, name: str, password: str, address: str) -> SignedIn:
        """Raises Refused: wrong password, or locked out with the seconds to wait."""
        who = (name, address)
        with self._guard:
            if who in self._under_way:  # else a burst at once would be counted only afterwards
                raise Refused(ONE_AT_A_TIME, 1)
            self._under_way.add(who)
        try:
            return self._sign_in(name, password, address)
        finally:
            with self._guard:
                self._under_way.discard(who)

    def find(self, cookie: str | None) -> tuple[Viewer, datetime] | None:
        """Who it is and until when, or None."""
        if not cookie:
            return None
        with self._begin(scope.NONE) as cursor:
            cursor.execute(SQL["find_session"], {"id": _hash(cookie), "now": self._now()})
            row = cursor.fetchone()
        if row is None:
            return None
        name, role, enterprise, county, expires_at = row
        return Viewer(name=name, role=Role(role), enterprise=enterprise, county=county), expires_at

    def require(self, cookie: str | None) -> Viewer:
        """Raises Refused when nobody is signed in."""
        found = self.find(cookie)
        if found is None:
            raise Refused(SIGNED_OUT)
        return found[0]

    def sign_out(self, cookie: str | None) -> None:
        found = self.find(cookie)
        if found is None or cookie is None:
            return
        with self._begin(scope.NONE) as cursor:
            cursor.execute(SQL["end_session"], {"id": _hash(cookie)})
            write_audit(cursor, found[0].name, "signed_out", found[0].name)

    def _sign_in(self, name: str, password: str, address: str) -> SignedIn:
        with self._begin(scope.NONE) as cursor:
            self._refuse_locked(cursor, name, address)
            cursor.execute(SQL["person"], {"name": name})
            row = cursor.fetchone()
        # Between two transactions: the hash takes 50 ms, and no connection waits for it. An unknown name takes as long.
        right = passwords.verify(row[0] if row else passwords.NOBODY, password)
        with self._begin(scope.NONE) as cursor:
            if row is None or not right:
                write_audit(cursor, "", "sign_in_refused", name, {"address": address}, self._now())
            else:
                return self._begin_session(cursor, name, row, password, address)
        raise Refused(WRONG_PASSWORD)

    def _begin_session(
        self,
        cursor: Cursor,
        name: str,
        row: tuple[str, str, str | None, str | None],
        password: str,
        address: str,
    ) -> SignedIn:
        hashed, role, enterprise, county = row
        now = self._now()
        cookie = secrets.token_urlsafe(32)
        expires_at = now + self._lifetime
        if passwords.is_outdated(hashed):
            cursor.execute(SQL["set_password"], {"name": name, "password": passwords.hash(password)})
        cursor.execute(SQL["forget_expired"], {"now": now})
        cursor.execute(SQL["begin_session"], {"id": _hash(cookie), "name": name, "expires_at": expires_at})
        write_audit(cursor, name, "signed_in", name, {"address": address}, now)
        viewer = Viewer(name=name, role=Role(role), enterprise=enterprise, county=county)
        return SignedIn(cookie, viewer, expires_at)

    def _refuse_locked(self, cursor: Cursor, name: str, address: str) -> None:
        now = self._now()
        asked = {"name": name, "address": address, "since": now - WINDOW}
        for statement, most in (
            ("refusals_of_name", MOST_REFUSALS_OF_NAME),
            ("refusals_of_address", MOST_REFUSALS_OF_ADDRESS),
        ):
            cursor.execute(SQL[statement], asked)
            count, last = cursor.fetchone() or (0, None)
            if count >= most and last is not None:
                raise Refused(LOCKED, round((last + WINDOW - now).total_seconds()))


def write_audit(
    cursor: Cursor,
    actor: str,
    action: str,
    object: str = "",
    detail: dict[str, str] | None = None,
    at: datetime | None = None,
) -> None:
    """One row that nobody changes any more. `at` None: by the database's clock."""
    row = {
        "at": at,
        "actor": actor,
        "action": action,
        "object": object,
        "detail": psycopg2.extras.Json(detail or {}),
    }
    cursor.execute(SQL["write_audit"], row)


def _hash(cookie: str) -> bytes:
    """256 random bits need no slow hash."""
    return hashlib.sha256(cookie.encode()).digest()
