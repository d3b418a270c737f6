"""Incidents as people read them: lists, one with all that belongs to it, and the rows of the live stream."""

import base64
import uuid
from datetime import datetime
from typing import Any, Final

import msgspec

from alerts.journal_postgres import Cursor
from alerts.lifecycle import acts_for
from schemas.finding import subject_of
from schemas.incident import IncidentState
from schemas.person import Role
from schemas.refusal import Ground, Refusal, Refused
from schemas.rules import FACTS, Evidence, FactsTable
from schemas.statements import load, rows_of

_NAMED: Final = load("alerts", "incidents.sql")
_SHARED: Final = {"of_view": _NAMED["of_view"], "joined": _NAMED["joined"]}
SQL: Final = {name: text.format(**_SHARED) for name, text in _NAMED.items() if name not in _SHARED}

MAX_BIGINT: Final = 2**63 - 1

Item = dict[str, Any]
"""One row as it goes out: JSON-ready but for datetimes, which msgspec writes as RFC 3339."""

BAD_CURSOR: Final = Refusal(
    Ground.INVALID,
    "bad_cursor",
    "翻页参数 before 无效，请从第一页重新开始。",
    "The parameter `before` is no cursor of this list; start from the first page again.",
)


class LiveRow(msgspec.Struct, frozen=True):
    """One incident event with its incident as it stands, for whoever sees that enterprise in that county."""

    id: int
    enterprise: str | None
    county: str | None
    item: Item


def list_incidents(
    cursor: Cursor, state: str, limit: int, before: str | None
) -> tuple[list[Item], str | None]:
    """A page and the cursor of the next one. `state`: open (worst, then newest first), closed, all (newest first)."""
    at = _decode_cursor(before, state)
    page = {"limit": limit + 1, "severity": None, "opened_at": None, "id": None} | at
    if state == "open":
        cursor.execute(SQL["open"], page)
    else:
        cursor.execute(SQL["newest"], page | {"state": None if state == "all" else state})
    items = _some(cursor, [id for (id,) in cursor.fetchall()])
    more = len(items) > limit
    items = items[:limit]
    return items, _encode_cursor(items[-1], state) if more else None


def of_device(cursor: Cursor, device: str, limit: int = 50) -> list[Item]:
    cursor.execute(SQL["of_device"], {"device": device, "limit": limit})
    return _some(cursor, [id for (id,) in cursor.fetchall()])


def find(cursor: Cursor, id: str) -> Item | None:
    return next(iter(_some(cursor, [id])), None)


def find_whole(cursor: Cursor, id: str, facts: FactsTable = FACTS) -> Item | None:
    """An incident with its timeline, the limits that judged it, advice, and the test or picture it speaks of."""
    item = find(cursor, id)
    if item is None:
        return None
    cursor.execute(SQL["timeline"], {"id": id})
    events = rows_of(cursor)
    rule = facts.get(item["rule"])
    return item | {
        "events": events,
        "profile_row": _profile_row(cursor, item),
        "what_to_do": {"zh": rule.to_do.zh, "en": rule.to_do.en} if rule else {"zh": "", "en": ""},
        "result": _result(cursor, item) if facts.proved_by(item["rule"], Evidence.RESULT) else None,
        "frame": _frame(cursor, item) if facts.proved_by(item["rule"], Evidence.FRAME) else None,
    }


def for_role(item: Item, role: Role) -> Item:
    """With what a person of that role may do with it."""
    acts = acts_for(role, IncidentState(item["state"]), item["persistent"])
    return item | {"may": [act.value for act in acts]}


def last_event(cursor: Cursor) -> int:
    cursor.execute(SQL["last_event"])
    (id,) = cursor.fetchone() or (0,)
    return int(id)


def events_after(cursor: Cursor, after: int, limit: int, upto: int = MAX_BIGINT) -> list[LiveRow]:
    """Incident events behind `after`, oldest first; each with its incident as it stands now."""
    cursor.execute(SQL["events_after"], {"after": after, "upto": upto, "limit": limit})
    events = cursor.fetchall()
    if not events:
        return []
    items = {item["id"]: item for item in _some(cursor, list({incident for _id, incident, *_ in events}))}
    return [
        LiveRow(id, enterprise, county, items[incident] | {"transition": transition})
        for id, incident, transition, enterprise, county in events
    ]


def _profile_row(cursor: Cursor, item: Item) -> Item | None:
    wanted = {"profile": item["profile"], "version": item["profile_version"], "metric": item["metric"] or "*"}
    cursor.execute(SQL["profile_row"], wanted)
    return _first(cursor)


def _some(cursor: Cursor, ids: list[str]) -> list[Item]:
    """Incidents in the order of their ids as given."""
    cursor.execute(SQL["some"], {"ids": ids})
    found = {item["id"]: item for item in rows_of(cursor)}
    return [found[id] for id in ids if id in found]


def _result(cursor: Cursor, item: Item) -> Item | None:
    prefix = subject_of(item["device"], " ")[:-1]
    if not item["subject"].startswith(prefix):
        return None
    wanted = {
        "device": item["device"],
        "number": item["subject"].removeprefix(prefix),
        "start_at": item["start_at"],
    }
    cursor.execute(SQL["result"], wanted)
    return _first(cursor)


def _frame(cursor: Cursor, item: Item) -> Item | None:
    wanted = {
        "device": item["device"],
        "sha256": item["detail"].get("sha256", ""),
        "start_at": item["start_at"],
    }
    cursor.execute(SQL["frame"], wanted)
    return _first(cursor)


def _first(cursor: Cursor) -> Item | None:
    return next(iter(rows_of(cursor)), None)


def _encode_cursor(item: Item, state: str) -> str:
    parts = [state, item["severity"], item["opened_at"].isoformat(), item["id"]]
    return base64.urlsafe_b64encode(msgspec.json.encode(parts)).decode()


def _decode_cursor(text: str | None, state: str) -> dict[str, Any]:
    if text is None:
        return {}
    try:
        raw = base64.urlsafe_b64decode(text.encode())
        of, severity, opened_at, id = msgspec.json.decode(raw, type=tuple[str, int, datetime, uuid.UUID])
    except (ValueError, msgspec.DecodeError) as error:
        raise Refused(BAD_CURSOR) from error
    if of != state or opened_at.tzinfo is None or not 1 <= severity <= 4:
        raise Refused(BAD_CURSOR)
    return {"severity": severity, "opened_at": opened_at, "id": str(id)}
