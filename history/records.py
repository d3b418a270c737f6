"""Test results, camera frames, and how far the stream has come."""

from datetime import datetime
from typing import Any, Final

import psycopg2.extensions

from schemas.statements import load, rows_of

Cursor = psycopg2.extensions.cursor

SQL: Final = load("history", "records.sql")


def results(cursor: Cursor, limit: int, device: str | None = None) -> list[dict[str, Any]]:
    """The newest results first."""
    cursor.execute(SQL["results"], {"device": device, "limit": limit})
    return rows_of(cursor)


def frames(cursor: Cursor, limit: int, camera: str | None = None) -> list[dict[str, Any]]:
    """The newest frames first."""
    cursor.execute(SQL["frames"], {"camera": camera, "limit": limit})
    return rows_of(cursor)


def media_type(cursor: Cursor, sha256: str) -> str | None:
    """Of a frame that the asker may see; None when there is none such."""
    cursor.execute(SQL["image"], {"sha256": sha256})
    row = cursor.fetchone()
    return row[0] if row else None


def stream_at(cursor: Cursor, topic: str) -> datetime | None:
    """Stream time of the readings' partition that is furthest behind; None when none was ever judged."""
    cursor.execute(SQL["stream"], {"topic": topic})
    (moment,) = cursor.fetchone() or (None,)
    return None if moment is None or moment.year == 1970 else moment
