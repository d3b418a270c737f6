"""The list of devices as a table for people and as JSON for programs."""

from collections.abc import Sequence
from typing import Final
from zoneinfo import ZoneInfo

from rich.table import Table

from coldwatch.operate.durations import duration_text
from ingest.registry import Listed
from schemas.registry import Device, Facts
from schemas.times import to_datetime

SHANGHAI: Final = ZoneInfo("Asia/Shanghai")


def listed_json(listed: Listed) -> dict[str, object]:
    device = listed.device
    return {
        "device": device.id,
        "kind": device.kind,
        "enterprise": device.enterprise,
        "site": device.site,
        "asset": device.asset or None,
        "county": listed.county,
        "behind": device.behind or None,
        "interval_s": device.interval_us / 1_000_000,
        "profile": device.profile,
        "retired_at": _retired_at(device) or None,
        **{column: value or None for column, value in listed.places.items()},
        "points": [{"point": p.id, "metric": p.metric, "unit": p.unit} for p in device.points],
    }


def listed_table(listed: list[Listed]) -> Table:
    table = Table("设备 device", "类型 kind", "企业 enterprise", "场所 site", "设施 asset", "网关 behind")
    table.add_column("间隔 interval", justify="right")
    table.add_column("方案 profile")
    table.add_column("停用 retired")
    for one in listed:
        device = one.device
        table.add_row(
            device.id,
            device.kind,
            device.enterprise,
            device.site,
            device.asset,
            device.behind,
            duration_text(device.interval_us),
            device.profile,
            _retired_at(device),
        )
    return table


def facts_json(facts: Facts) -> dict[str, object]:
    return {
        "from": _from(facts) or None,
        "kind": facts.kind,
        "interval_s": facts.interval_us / 1_000_000,
        "profile": facts.profile,
        "behind": facts.behind or None,
        "asset": facts.asset or None,
        "metrics": list(facts.metrics),
    }


def facts_table(rows: Sequence[Facts]) -> Table:
    """What has held of a device, a row for each time that it was changed."""
    table = Table("自 from", "类型 kind", "间隔 interval", "方案 profile", "网关 behind", "设施 asset")
    table.columns[0].no_wrap = True
    for facts in rows:
        since = _from(facts, "%Y-%m-%d %H:%M:%S") or "登记起 enrolled"
        interval = duration_text(facts.interval_us)
        table.add_row(since, facts.kind, interval, facts.profile, facts.behind, facts.asset)
    return table


def _from(facts: Facts, how: str = "") -> str:
    """In local time, as RFC 3339 unless said otherwise; "" for the first facts, which hold from the beginning."""
    moment = to_datetime(facts.from_us).astimezone(SHANGHAI)
    return (moment.strftime(how) if how else moment.isoformat()) if facts.from_us else ""


def _retired_at(device: Device) -> str:
    return "" if device.retired_us is None else to_datetime(device.retired_us).isoformat()
