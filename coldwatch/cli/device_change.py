"""`coldwatch device change | history | place`: what is changed about devices and places in use.

Exit codes as in `cli.device`: 0 done; 1 refused; 3 it cannot be done (no database).
"""

import json
import time
from typing import Annotated

import typer
from rich.console import Console

from coldwatch.cli.registry import accepted, open_registry, refused
from coldwatch.operate.device_list import facts_json, facts_table
from coldwatch.operate.durations import parse_duration_us
from ingest.device_changes import Change
from ingest.kinds import KINDS
from ingest.places import Description
from schemas.registry import ASSET_KINDS, ENTERPRISE_KINDS, KNOWN_AFTER_US, SITE_STATES, Device

AsJson = Annotated[bool, typer.Option("--json", help="供程序读取 · for programs")]
DeviceId = Annotated[str, typer.Argument(metavar="ID", help="设备编号 · the device's id")]
Text = str | None


def register(group: typer.Typer) -> None:
    """Adds the commands to `coldwatch device`."""
    group.command("change")(change)
    group.command("history")(history)
    group.command("place")(place)


def change(
    id: DeviceId,
    kind: Annotated[Text, typer.Option(help=f"类型 · one of {', '.join(KINDS)}")] = None,
    interval: Annotated[Text, typer.Option(help="上报间隔 · how often it reports, e.g. 60s")] = None,
    profile: Annotated[Text, typer.Option(help="限值方案 · the limits it is judged by")] = None,
    behind: Annotated[Text, typer.Option(help="改接哪个网关 · the gateway that publishes for it")] = None,
    direct: Annotated[
        bool, typer.Option("--direct", help="不再经由网关 · behind no gateway any more")
    ] = False,
    asset: Annotated[
        Text, typer.Option(help="改到哪个设施，空串为不再归属 · what it watches now; '' takes it away")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """更改在用的设备：自此刻起生效，过去不改写 · change a device from now on; its past stays as it was."""
    try:
        interval_us = None if interval is None else parse_duration_us(interval)
    except ValueError as error:
        raise refused(str(error)) from None
    for option, value in (("--kind", kind), ("--profile", profile), ("--behind", behind)):
        if value == "":
            raise refused(f"{option} 不能为空 / {option} must not be empty")
    if direct and behind:
        raise refused("--direct 与 --behind 只能给一个 / give --direct or --behind, not both")
    wish = Change(
        device=id,
        kind=kind,
        interval_us=interval_us,
        profile=profile,
        behind="" if direct else behind,
        asset=asset,
    )
    with open_registry() as (registry, _settings):
        others = [one.device for one in registry.list_devices() if one.device.id != id]
        changed = accepted(registry.change(wish, time.time_ns() // 1000))
        newest = registry.facts(id)[-1]
    if as_json:
        typer.echo(json.dumps({"device": id, **facts_json(newest)}, ensure_ascii=False))
    else:
        seconds = KNOWN_AFTER_US // 1_000_000
        typer.echo(
            f"{seconds} 秒后收到的数据按新规定判断 · what is received from {seconds} s from now on is judged so"
        )
        Console().print(facts_table([newest]))
        if asset and not any(_stands(o) == _stands(changed) for o in others):
            typer.echo(
                f"{asset} 处没有别的设备：若是写错了，请再改一次 · no other device is at {asset}: if that is a slip,"
                " change it again"
            )


def _stands(device: Device) -> tuple[str, str, str]:
    return device.enterprise, device.site, device.asset


def history(id: DeviceId, as_json: AsJson = False) -> None:
    """设备何时是什么样 · what has held of a device, and from when."""
    with open_registry() as (registry, _settings):
        rows = registry.facts(id)
    if not rows:
        raise refused(f"没有设备 {id} / there is no device {id}; see `coldwatch device list`")
    if as_json:
        typer.echo(json.dumps([facts_json(one) for one in rows], ensure_ascii=False))
    else:
        Console().print(facts_table(rows))


def place(
    enterprise: Annotated[str, typer.Argument(help="企业编号 · the enterprise's id")],
    site: Annotated[str, typer.Option(help="它的一个场所 · one of its sites")] = "",
    asset: Annotated[str, typer.Option(help="场所里的一个设施 · an asset there")] = "",
    name: Annotated[Text, typer.Option(help="名称 · its name")] = None,
    kind: Annotated[
        Text,
        typer.Option(
            help=f"类别 · of an enterprise {', '.join(ENTERPRISE_KINDS)}; of an asset {', '.join(ASSET_KINDS)}"
        ),
    ] = None,
    licence: Annotated[Text, typer.Option(help="企业的许可证号 · an enterprise's licence number")] = None,
    telephone: Annotated[Text, typer.Option(help="场所的电话 · a site's telephone")] = None,
    business_hours: Annotated[Text, typer.Option(help="场所的营业时间 · a site's business hours")] = None,
    state: Annotated[Text, typer.Option(help=f"场所的状态 · of a site: {', '.join(SITE_STATES)}")] = None,
    product_class: Annotated[Text, typer.Option(help="设施里放什么 · what an asset holds")] = None,
    as_json: AsJson = False,
) -> None:
    """填写企业、场所或设施的资料 · describe an enterprise, one of its sites, or an asset there."""
    given = {
        "name": name,
        "kind": kind,
        "licence": licence,
        "telephone": telephone,
        "business_hours": business_hours,
        "state": state,
        "product_class": product_class,
    }
    values = {field: value for field, value in given.items() if value is not None}
    wish = Description(enterprise=enterprise, site=site, asset=asset, values=values)
    with open_registry() as (registry, _settings):
        problem = registry.describe(wish)
    if problem is not None:
        raise refused(problem.sentence())
    typer.echo(json.dumps(values, ensure_ascii=False) if as_json else "已记录 · recorded")
