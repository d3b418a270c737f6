"""The list of devices as a table for people and as JSON for programs."""

from rich.table import Table

from coldwatch.operate.durations import duration_text
from ingest.registry import Listed
from schemas.registry import Device
from schemas.times import to_datetime


def listed_json(listed: Listed) -> dict[str, object]:
    device = listed.device
    return {
        "device": device.id,
        "kind": device.kind,
        "enterprise": device.enterprise,
        "site": device.site,
        "asset": listed.asset or None,
        "county": listed.county,
        "behind": device.behind or None,
        "interval_s": device.interval_us / 1_000_000,
        "profile": device.profile,
        "retired_at": _retired_at(device) or None,
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
            one.asset,
            device.behind,
            duration_text(device.interval_us),
            device.profile,
            _retired_at(device),
        )
    return table


def _retired_at(device: Device) -> str:
    return "" if device.retired_us is None else to_datetime(device.retired_us).isoformat()
