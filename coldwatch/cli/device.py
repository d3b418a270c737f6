"""`coldwatch device add | import | list | retire | token`: the registry by hand. More in `cli.device_change`.

Exit codes: 0 done; 1 refused, or some rows of a file were; 3 it cannot be done (no database).
"""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from coldwatch.cli import device_change
from coldwatch.cli.registry import EXIT_SOME, accepted, open_registry, refused
from coldwatch.operate.csv_text import UnusableFile, delimiter_of
from coldwatch.operate.device_file import Outcome, TokenFile, enrol_rows, read_rows
from coldwatch.operate.device_list import listed_json, listed_table
from coldwatch.operate.durations import parse_duration_us
from coldwatch.operate.first_message import first_message
from ingest.kinds import KINDS
from ingest.onboarding import Enrolment, Problem
from ingest.registry import Enrolled
from schemas.registry import ASSET_KINDS, ENTERPRISE_KINDS, SITE_STATES
from schemas.settings import Settings

AsJson = Annotated[bool, typer.Option("--json", help="供程序读取 · for programs")]
DeviceId = Annotated[str, typer.Argument(metavar="ID", help="设备编号 · the device's id")]


def register(app: typer.Typer) -> None:
    """Adds the group to the app."""
    group = typer.Typer(no_args_is_help=True, help="登记、停用设备 · enrol and retire devices")
    group.command("add")(add)
    group.command("import")(import_file)
    group.command("list")(list_devices)
    group.command("retire")(retire)
    group.command("token")(rotate_token)
    device_change.register(group)
    app.add_typer(group, name="device")


def add(
    id: DeviceId,
    kind: Annotated[str, typer.Option(help=f"类型 · one of {', '.join(KINDS)}")],
    enterprise: Annotated[str, typer.Option(help="企业编号 · the enterprise's id")],
    site: Annotated[str, typer.Option(help="场所编号 · the site's id")],
    asset: Annotated[str, typer.Option(help="设施编号，如冷库 · what it watches, e.g. a cold room")] = "",
    county: Annotated[str, typer.Option(help="新企业所在区县 · the county of a new enterprise")] = "",
    behind: Annotated[str, typer.Option(help="经由哪个网关上报 · the gateway that publishes for it")] = "",
    interval: Annotated[str, typer.Option(help="上报间隔 · how often it reports, e.g. 60s")] = "",
    profile: Annotated[str, typer.Option(help="限值方案 · the limits it is judged by")] = "",
    enterprise_name: Annotated[str, typer.Option(help="新企业的名称 · a new enterprise's name")] = "",
    enterprise_kind: Annotated[str, typer.Option(help=f"新企业的类别 · {', '.join(ENTERPRISE_KINDS)}")] = "",
    licence: Annotated[str, typer.Option(help="新企业的许可证号 · a new enterprise's licence number")] = "",
    site_name: Annotated[str, typer.Option(help="新场所的名称 · a new site's name")] = "",
    telephone: Annotated[str, typer.Option(help="新场所的电话 · a new site's telephone")] = "",
    business_hours: Annotated[
        str, typer.Option(help="新场所的营业时间 · e.g. 1-5 06:00-10:00,16:00-21:00")
    ] = "",
    site_state: Annotated[str, typer.Option(help=f"新场所的状态 · {', '.join(SITE_STATES)}")] = "",
    asset_name: Annotated[str, typer.Option(help="新设施的名称 · a new asset's name")] = "",
    asset_kind: Annotated[str, typer.Option(help=f"新设施的类别 · {', '.join(ASSET_KINDS)}")] = "",
    product_class: Annotated[str, typer.Option(help="设施里放什么 · what a new asset holds")] = "",
    as_json: AsJson = False,
) -> None:
    """登记一台设备并显示一次令牌 · enrol a device; its token is shown this once."""
    try:
        interval_us = parse_duration_us(interval) if interval else None
    except ValueError as error:
        raise refused(str(error)) from None
    wish = Enrolment(
        id=id,
        kind=kind,
        enterprise=enterprise,
        site=site,
        asset=asset,
        county=county,
        behind=behind,
        interval_us=interval_us,
        profile=profile,
        enterprise_name=enterprise_name,
        enterprise_kind=enterprise_kind,
        licence=licence,
        site_name=site_name,
        telephone=telephone,
        business_hours=business_hours,
        site_state=site_state,
        asset_name=asset_name,
        asset_kind=asset_kind,
        product_class=product_class,
    )
    with open_registry() as (registry, settings):
        _hand_over(accepted(registry.enrol(wish)), settings, as_json)


def rotate_token(id: DeviceId, as_json: AsJson = False) -> None:
    """换发令牌，旧的立即失效 · give a new token; the old one is void at once."""
    with open_registry() as (registry, settings):
        _hand_over(accepted(registry.rotate(id)), settings, as_json)


def retire(id: DeviceId, as_json: AsJson = False) -> None:
    """停用设备：不能再连接，历史保留 · retire a device: it may not connect, its history stays."""
    with open_registry() as (registry, _settings):
        answer = registry.retire(id, time.time_ns() // 1000)
    if isinstance(answer, Problem):
        raise refused(answer.sentence())
    typer.echo(json.dumps({"device": id, "retired": True}) if as_json else f"已停用 · retired: {id}")


def list_devices(
    enterprise: Annotated[str, typer.Option(help="只列这家企业 · of this enterprise alone")] = "",
    as_json: AsJson = False,
) -> None:
    """列出设备 · list the devices."""
    with open_registry() as (registry, _settings):
        listed = registry.list_devices(enterprise)
    if as_json:
        typer.echo(json.dumps([listed_json(one) for one in listed], ensure_ascii=False))
    elif listed:
        Console().print(listed_table(listed))
    else:
        typer.echo("还没有设备 · no devices yet: coldwatch device add --help")


def import_file(
    file: Annotated[
        Path, typer.Argument(help="CSV: id,kind,enterprise,site[,asset,county,behind,interval,profile,...]")
    ],
    tokens: Annotated[Path | None, typer.Option(help="令牌写到哪里 · where the tokens go")] = None,
    delimiter: Annotated[str, typer.Option(help="列分隔符 · between columns: one character, or TAB")] = ",",
    as_json: AsJson = False,
) -> None:
    """批量登记，逐行报错 · enrol a file of devices; sound rows go in, each bad one says why."""
    try:
        rows = read_rows(file.read_bytes(), delimiter_of(delimiter))
        with open_registry() as (registry, _settings):
            target = TokenFile(tokens or Path(f"{file}.tokens.csv"))
            try:
                batches = enrol_rows(registry, rows, target.add)
                outcomes = [one for batch in _progress(batches, len(rows)) for one in batch]
            finally:
                target.close()
    except OSError as error:
        raise refused(f"{file}: {error.strerror}") from None
    except UnusableFile as error:
        raise refused(str(error)) from None
    _report_import(sorted(outcomes), target.path, as_json)


def _progress(batches: Iterator[list[Outcome]], total: int) -> Iterator[list[Outcome]]:
    """The batches, with a bar on standard error when that is a terminal."""

    with Progress(console=Console(stderr=True), disable=not Console(stderr=True).is_terminal) as bar:
        task = bar.add_task("登记 · enrolling", total=total)
        for batch in batches:
            bar.advance(task, len(batch))
            yield batch


def _report_import(outcomes: list[Outcome], tokens: Path, as_json: bool) -> None:
    failed = [
        (outcome.line, outcome.id, outcome.answer)
        for outcome in outcomes
        if isinstance(outcome.answer, Problem)
    ]
    enrolled = len(outcomes) - len(failed)
    if as_json:
        errors = [
            {"line": line, "id": id_, "field": problem.field, "zh": problem.zh, "en": problem.en}
            for line, id_, problem in failed
        ]
        typer.echo(
            json.dumps({"enrolled": enrolled, "tokens": str(tokens), "errors": errors}, ensure_ascii=False)
        )
    else:
        for line, id_, problem in failed:
            typer.echo(f"第 {line} 行 line {line} {id_}: {problem.sentence()}", err=True)
        typer.echo(
            f"登记 {enrolled} 台，失败 {len(failed)} 行 · {enrolled} enrolled, {len(failed)} rows refused"
        )
        typer.echo(f"令牌 · tokens: {tokens}")
    if failed:
        raise typer.Exit(EXIT_SOME)


def _hand_over(enrolled: Enrolled, settings: Settings, as_json: bool) -> None:
    """Tells the token, which is stored nowhere, and how to use it."""
    device, token = enrolled.device, enrolled.token
    host = "127.0.0.1" if settings.gateway.host in ("0.0.0.0", "::") else settings.gateway.host
    first = first_message(device, token, host, settings.gateway.port)
    if as_json:
        fields = {
            "device": device.id,
            "token": token,
            "mqtt": {"host": host, "port": settings.gateway.port},
            "topic": first.topic,
            "mosquitto_pub": first.command,
        }
        typer.echo(json.dumps(fields, ensure_ascii=False))
        return
    typer.echo(f"设备 · device   {device.id} ({KINDS[device.kind].zh} · {KINDS[device.kind].en})")
    if token:
        typer.echo(f"令牌 · token    {token}   只显示这一次 · shown this once")
    else:
        typer.echo(f"经网关上报 · publishes through {device.behind}, with the gateway's token")
    typer.echo(f"地址 · MQTT     {host}:{settings.gateway.port or 'PORT'}")
    typer.echo(f"主题 · topic    {first.topic}")
    refresh_s = settings.gateway.registry_refresh_s
    typer.echo(f"{refresh_s:g} 秒内生效 · in force within {refresh_s:g} s")
    typer.echo(f"试一条 · try it:\n{first.command}")
