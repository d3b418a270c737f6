"""The independent checker: the senders' own PUBACK log against what the database holds.

It knows nothing of the pipeline's code but the published views and the identity of a reading. A log line is
`device,metric,at_us,seq,value,acked` with acked 0 or 1, written by the sender before it publishes and again after
PUBACK; in place of a metric stand `frame`, `result` (seq is its number) and `bad` (seq is the marker in the payload).
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg2

Identity = tuple[str, str, int, int]
Episode = tuple[str, str, int, int | None, float | None]
"""(subject, rule, start_us, end_us, peak)."""
Found = tuple[str, str, str, int, int | None, float | None]
"""(id, subject, rule, start_us, end_us, peak)."""


@dataclass
class Report:
    """Empty lists everywhere mean that the run held; each list shows at most 20 offenders."""

    acked: int = 0
    sent: int = 0
    stored: int = 0
    missing: list[Identity] = field(default_factory=list)
    doubled: list[Identity] = field(default_factory=list)
    foreign: list[Identity] = field(default_factory=list)
    """Stored although it was never sent."""
    changed: list[Identity] = field(default_factory=list)

    @property
    def held(self) -> bool:
        return not (self.missing or self.doubled or self.foreign or self.changed)


@contextmanager
def asking(database_url: str, name: str | None = None) -> Iterator["psycopg2.extensions.cursor"]:
    """A cursor in one transaction; a named one is read row by row."""
    connection = psycopg2.connect(database_url)
    try:
        with connection, connection.cursor(name) as cursor:
            yield cursor
    finally:
        connection.close()


@contextmanager
def asking_with_log(logs: Iterable[Path], database_url: str) -> Iterator["psycopg2.extensions.cursor"]:
    """The same, with the senders' logs as temporary table `sent`."""
    with asking(database_url) as cursor:
        cursor.execute(
            "create temp table sent (device text, metric text, at_us bigint, seq bigint, value float8, acked int)"
            " on commit drop"
        )
        for log in logs:
            with log.open("rb") as lines:
                cursor.copy_expert("copy sent from stdin csv", lines)
        yield cursor


def check_readings(logs: Iterable[Path], database_url: str) -> Report:
    """I1: acked is a subset of stored. I2: none twice. I6: nothing stored that was never sent; values unchanged."""
    with asking_with_log(logs, database_url) as cursor:
        cursor.execute(
            "create temp table claimed on commit drop as select device, metric, at_us, seq,"
            " max(value) as value, max(acked) as acked from sent"
            " where metric not in ('frame', 'result', 'bad') group by 1, 2, 3, 4"
        )
        cursor.execute(
            "create temp table kept on commit drop as select device, metric,"
            " (extract(epoch from at) * 1000000)::bigint as at_us, seq, value from v_reading"
        )
        cursor.execute("analyze claimed")
        cursor.execute("analyze kept")
        return Report(
            acked=_count(cursor, "select count(*) from claimed where acked = 1"),
            sent=_count(cursor, "select count(*) from claimed"),
            stored=_count(cursor, "select count(*) from kept"),
            missing=_rows(
                cursor,
                "select device, metric, at_us, seq from claimed c where acked = 1 and not exists (select 1"
                " from kept k where (k.device, k.metric, k.at_us, k.seq) = (c.device, c.metric, c.at_us, c.seq))",
            ),
            doubled=_rows(
                cursor,
                "select device, metric, at_us, seq from kept group by 1, 2, 3, 4 having count(*) > 1",
            ),
            foreign=_rows(
                cursor,
                "select device, metric, at_us, seq from kept k where not exists (select 1"
                " from claimed c where (k.device, k.metric, k.at_us, k.seq)"
                " = (c.device, c.metric, c.at_us, c.seq))",
            ),
            changed=_rows(
                cursor,
                "select k.device, k.metric, k.at_us, k.seq from kept k join claimed c using (device, metric,"
                " at_us, seq) where k.value <> c.value",
            ),
        )


OTHERS = {
    "frame": "select 1 from frame f where f.camera = s.device and f.seq = s.seq"
    " and f.at = to_timestamp(s.at_us / 1000000.0)",
    "result": "select 1 from result r where r.device = s.device and r.number = s.seq::text"
    " and r.at = to_timestamp(s.at_us / 1000000.0)",
    "bad": "select 1 from rejection j where j.device = s.device"
    " and convert_from(j.raw, 'UTF8') like '%%\"marker\": ' || s.seq",
}


def missing_others(logs: Iterable[Path], database_url: str) -> list[Identity]:
    """Acknowledged frames, results and refused payloads that the database does not hold."""
    with asking_with_log(logs, database_url) as cursor:
        return [
            row
            for metric, held in OTHERS.items()
            for row in _rows(
                cursor,
                "select device, metric, at_us, seq from sent s where acked = 1"
                f" and metric = '{metric}' and not exists ({held})".replace("%%", "%"),
            )
        ]


def _count(cursor: "psycopg2.extensions.cursor", query: str) -> int:
    cursor.execute(query)
    (number,) = cursor.fetchone() or (0,)
    return int(number)


def _rows(cursor: "psycopg2.extensions.cursor", query: str) -> list[Identity]:
    cursor.execute(query + " limit 20")
    return list(cursor.fetchall())


def episodes(database_url: str, rules: Iterable[str]) -> set[Episode]:
    """The findings of these rules as they hold, without ids."""
    with asking(database_url) as cursor:
        cursor.execute(
            "select subject, rule, (extract(epoch from start_at) * 1000000)::bigint,"
            " (extract(epoch from end_at) * 1000000)::bigint, peak from v_finding where rule = any(%s)",
            (list(rules),),
        )
        return set(cursor.fetchall())


def findings_with_ids(database_url: str) -> set[Found]:
    """Every finding as it holds, with its id, whatever the rule (silence included)."""
    with asking(database_url) as cursor:
        cursor.execute(
            "select id::text, subject, rule, (extract(epoch from start_at) * 1000000)::bigint,"
            " (extract(epoch from end_at) * 1000000)::bigint, peak from v_finding"
        )
        return set(cursor.fetchall())


def finding_versions(database_url: str) -> set[tuple[object, ...]]:
    """All versions of all findings, but for when they were written."""
    with asking(database_url) as cursor:
        cursor.execute(
            "select id::text, version, change, subject, rule, severity, start_at, end_at, peak, limit_value, profile,"
            " profile_version, detail::text, measured_at, received_at from finding"
        )
        return set(cursor.fetchall())


def stored_readings(database_url: str) -> Iterable[tuple[str, str, int, int, int, float, int, int]]:
    """(device, metric, point_id, at_us, seq, value, quality, received_us) by point in event order."""
    with asking(database_url, "stored") as cursor:
        cursor.itersize = 20_000
        cursor.execute(
            "select device, metric, point_id, (extract(epoch from at) * 1000000)::bigint, seq, value, quality,"
            " (extract(epoch from received_at) * 1000000)::bigint from v_reading order by point_id, at, seq"
        )
        yield from cursor
