"""The board of devices: where each is, its last values and their states, what is open, what was refused."""

import base64
from collections import defaultdict
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

import psycopg2.extensions

from schemas.rejection import REASONS, Rejection
from schemas.rules import FACTS, FactsTable
from schemas.statements import load, rows_of

Cursor = psycopg2.extensions.cursor
Evidence = Callable[[str], bytes | None]
"""The stored bytes of a SHA-256 in hex, None when they are not there."""

SQL: Final = load("history", "devices.sql")
REFUSED_WITHIN: Final = timedelta(hours=24)
MOST_RAW_BYTES: Final = 16 * 1024
MOST_REJECTIONS: Final = 50
NOTHING_KNOWN: Final[dict[str, Any]] = {
    "open_incidents": 0,
    "worst": None,
    "silent": False,
    "refused_24h": 0,
    "refused_at": None,
    "heard_at": None,
}

Item = dict[str, Any]


def board(cursor: Cursor, now: datetime, device: str | None = None, facts: FactsTable = FACTS) -> list[Item]:
    """One item per device, of all devices or of one."""
    asked = {"device": device, "since": now - REFUSED_WITHIN, "unheard": facts.unheard()}
    opened = _by_device(cursor, "open_incidents", asked)
    refused = _by_device(cursor, "refused", asked)
    heard = _by_device(cursor, "heard_otherwise", asked)
    points = _points(cursor, asked)
    items = _rows(cursor, "devices", asked)
    for item in items:
        id = item["device"]
        known = NOTHING_KNOWN | opened.get(id, {}) | refused.get(id, {}) | heard.get(id, {})
        silent, refused_at, heard_at = (known.pop(name) for name in ("silent", "refused_at", "heard_at"))
        for point in points[id]:
            point["state"] = state_of(point["state"], point["received_at"], item["interval_s"], silent, now)
        moments = [heard_at, refused_at, *(point["received_at"] for point in points[id])]
        item["points"] = points[id]
        item["last_heard"] = max((moment for moment in moments if moment is not None), default=None)
        item |= known
    return items


def _points(cursor: Cursor, asked: dict[str, Any]) -> dict[str, list[Item]]:
    """The points of each device with their last values and what the judge says of them."""
    judged = {row.pop("point_id"): row for row in _rows(cursor, "states", asked)}
    points: dict[str, list[Item]] = defaultdict(list)
    for point in _rows(cursor, "points", asked):
        nothing = {"state": None, "since": None}
        points[point.pop("device")].append(point | judged.get(point.pop("point_id"), nothing))
    return points


def state_of(
    judged: str | None, received_at: datetime | None, interval_s: float, silent: bool, now: datetime
) -> str:
    """What is known of a point. Old data alone is not silence: a stalled ingest must not blame the devices."""
    if received_at is None:
        return judged or "none"
    old = (now - received_at).total_seconds() > 2 * interval_s
    if old and silent:
        return "unknown"
    return judged or "in_range"


def rejections(cursor: Cursor, device: str, evidence: Evidence) -> list[Item]:
    """The last refusals of a device with their sentences and the refused bytes (the first 16 KiB)."""
    asked = {"device": device, "limit": MOST_REJECTIONS}
    return [_rejection(row, evidence) for row in _rows(cursor, "rejections", asked)]


def ledger(cursor: Cursor, device: str) -> Item:
    """The books of a device, all topics and hours."""
    (row,) = _rows(cursor, "ledger", {"device": device})
    return row


def _rows(cursor: Cursor, name: str, asked: dict[str, Any]) -> list[Item]:
    cursor.execute(SQL[name], asked)
    return rows_of(cursor)


def _by_device(cursor: Cursor, name: str, asked: dict[str, Any]) -> dict[str, Item]:
    return {row.pop("device"): row for row in _rows(cursor, name, asked)}


def _rejection(row: Item, evidence: Evidence) -> Item:
    code, path, detail = row["code"], row["path"], row.pop("detail")
    raw, stored = row.pop("raw"), row.pop("stored")
    sentence = Rejection(code=code, path=path, detail=detail).sentence if code in REASONS else None
    whole = bytes(raw) if raw is not None else (evidence(stored) if stored else None)
    content = (whole or b"")[:MOST_RAW_BYTES]
    return row | {
        "zh": sentence("zh") if sentence else detail,
        "en": sentence("en") if sentence else detail,
        "raw_text": _text(content),
        "raw_base64": base64.b64encode(content).decode(),
        "size": None if whole is None else len(whole),
    }


def _text(content: bytes) -> str | None:
    """As text when it is text; a character cut in two at the end does not count against it."""
    for cut in range(4):
        try:
            text = content[: len(content) - cut].decode()
        except UnicodeDecodeError:
            continue
        return text if all(c.isprintable() or c in "\r\n\t" for c in text) else None
    return None
