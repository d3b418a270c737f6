"""`coldwatch replay`: a recorded trace through the front door, as a device.

Exit codes: 0 every row was accepted; 1 some were not, each listed with its reason; 3 it cannot be done.
"""

import json
import os
import time
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import psycopg2
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from coldwatch.operate.csv_text import UnusableFile, delimiter_of
from coldwatch.operate.durations import parse_duration_us
from coldwatch.operate.replay import Outcome, Publisher, Target, expected_refusals, publish_all
from coldwatch.operate.trace import UNITS, Listed, Timing, Trace, read_trace
from coldwatch.wiring import saved_settings
from coldwatch.wiring.connections import connect_database
from ingest.registry import RegistryCache, fetch_changes
from schemas.device_topics import ERRORS, TELEMETRY, topic_of
from schemas.errors import Permanent
from schemas.registry import Device
from schemas.settings import Settings
from schemas.times import to_us

EXIT_NOT_ALL = 1
EXIT_CANNOT = 3
TOKEN_VARIABLE = "COLDWATCH_DEVICE_TOKEN"
SHOWN_ROWS = 20


def register(app: typer.Typer) -> None:
    """Adds the command to the app."""
    app.command("replay")(replay)


def replay(
    file: Annotated[Path, typer.Argument(help="CSV，第一行为表头 · with a header")],
    device: Annotated[str, typer.Option(help="以哪台设备的名义 · as which device")],
    value_column: Annotated[str, typer.Option(help="数值列 · the column of values")] = "value",
    time_column: Annotated[
        str,
        typer.Option(help="时间列，只检查能否识别与先后 · the column of times, checked and put to new times"),
    ] = "",
    metric: Annotated[str, typer.Option(help="指标 · the metric it is")] = "temperature",
    unit: Annotated[str, typer.Option(help=f"文件中的单位 · its unit in the file: {', '.join(UNITS)}")] = "C",
    interval: Annotated[str, typer.Option(help="行与行的间隔 · from row to row")] = "60s",
    end: Annotated[
        str, typer.Option(help="最后一行的时间 · of the last row: now, or RFC 3339 with offset")
    ] = "now",
    speed: Annotated[
        float | None,
        typer.Option(min=0.001, help="N 倍速；不给则尽快 · times real time; else as fast as taken"),
    ] = None,
    token_file: Annotated[
        Path | None, typer.Option(help=f"令牌文件，或用环境变量 · the token, else ${TOKEN_VARIABLE}")
    ] = None,
    delimiter: Annotated[str, typer.Option(help="列分隔符 · between columns: one character, or TAB")] = ",",
    decimal: Annotated[str, typer.Option(help="小数点 · the decimal point: . or ,")] = ".",
    as_json: Annotated[bool, typer.Option("--json", help="末行为 JSON · the last line is JSON")] = False,
) -> None:
    """经前门以设备名义回放一段记录 · publish a recorded trace through the front door as a device."""
    try:
        settings = saved_settings.of_running(Settings())
        trace = _trace(file, value_column, time_column, unit, delimiter, decimal)
        timing = Timing(_end_ms(end), _interval_ms(interval), trace.length)
        known = _device(settings, device)
        target = _target(settings, known, _token(token_file, known))
        _check_metric(known, metric, unit)
        expected = expected_refusals(known, target.topic, trace.rows, metric, timing, time.time_ns() // 1000)
        outcome = _publish(target, trace, metric, timing, speed)
    except Permanent as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(EXIT_CANNOT) from None
    _report(trace, expected, outcome, timing, as_json)


def _publish(target: Target, trace: Trace, metric: str, timing: Timing, speed: float | None) -> Outcome:
    publisher = Publisher(target)
    try:
        publisher.open()
        with _bar() as bar:
            task = bar.add_task("回放 · replaying", total=len(trace.rows))
            publish_all(
                publisher, trace.rows, metric, timing, speed, lambda values: bar.advance(task, values)
            )
            return publisher.finish()
    except KeyboardInterrupt:
        return publisher.outcome()
    finally:
        publisher.close()


def _bar() -> Progress:
    screen = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=screen, disable=not screen.is_terminal)


def _report(trace: Trace, expected: list[Listed], outcome: Outcome, timing: Timing, as_json: bool) -> None:
    listed = sorted(trace.unusable + expected)
    unsent = len(trace.rows) - outcome.accepted - outcome.refused
    for one in listed[:SHOWN_ROWS]:
        typer.echo(f"第 {one.line} 行 line {one.line}: {one.code}: {one.zh} / {one.en}", err=True)
    if len(listed) > SHOWN_ROWS:
        typer.echo(f"… 共 {len(listed)} 行，--json 列出全部 · {len(listed)} in all, see --json", err=True)
    for line in trace.unordered[:SHOWN_ROWS]:
        typer.echo(
            f"第 {line} 行时间未递增，仍按位置发送 · line {line}: time not after the one before, sent anyway",
            err=True,
        )
    for code, count in sorted(outcome.refused_by_code.items()):
        zh, en = outcome.sentences.get(code, ("", ""))
        typer.echo(f"{code} x {count}: {zh} / {en}", err=True)
    typer.echo(
        f"{trace.length} 行：接受 {outcome.accepted}，拒绝 {outcome.refused}，无法发送 {len(trace.unusable)} · "
        f"{trace.length} rows: {outcome.accepted} accepted, {outcome.refused} refused, {len(trace.unusable)} unusable"
    )
    if as_json:
        typer.echo(json.dumps(_as_json(trace, listed, outcome, timing, unsent), ensure_ascii=False))
    if outcome.accepted < trace.length:
        raise typer.Exit(EXIT_NOT_ALL)


def _as_json(
    trace: Trace, listed: list[Listed], outcome: Outcome, timing: Timing, unsent: int
) -> dict[str, Any]:
    return {
        "rows": trace.length,
        "accepted": outcome.accepted,
        "refused": outcome.refused,
        "unusable": len(trace.unusable),
        "unsent": unsent,
        "refused_by_code": outcome.refused_by_code,
        "reconnects": outcome.reconnects,
        "first_at_ms": timing.at_ms(0),
        "last_at_ms": timing.end_ms,
        "listed": [one._asdict() for one in listed],
        "unordered": trace.unordered,
    }


def _trace(file: Path, value_column: str, time_column: str, unit: str, delimiter: str, decimal: str) -> Trace:
    if decimal not in (".", ","):
        raise Permanent(f"小数点“{decimal}”不行：. 或 , / decimal '{decimal}' will not do: . or ,")
    if unit not in UNITS:
        raise Permanent(
            f"单位“{unit}”不认识，可用：{', '.join(UNITS)} / unknown unit '{unit}': use {', '.join(UNITS)}"
        )
    try:
        between = delimiter_of(delimiter)
        return read_trace(file.read_bytes(), value_column, time_column, unit, between, decimal)
    except OSError as error:
        raise Permanent(f"{file}: {error.strerror}") from error
    except UnusableFile as error:
        raise Permanent(f"{file}: {error}") from error


def _interval_ms(text: str) -> int:
    try:
        interval_us = parse_duration_us(text)
    except ValueError as error:
        raise Permanent(str(error)) from error
    if interval_us % 1000:
        raise Permanent("间隔须为整毫秒 / the interval must be whole milliseconds")
    return interval_us // 1000


def _end_ms(text: str) -> int:
    if text == "now":
        return time.time_ns() // 1_000_000
    try:
        return to_us(datetime.fromisoformat(text)) // 1000
    except (ValueError, TypeError):
        raise Permanent(
            f"--end“{text}”不行：写 now 或带时区的时间 / --end '{text}' will not do: now, or like "
            "2026-11-23T10:00:00+08:00"
        ) from None


def _token(file: Path | None, device: Device) -> str:
    """From the file or the environment, never from the command line, where others could read it."""
    try:
        token = (
            file.read_text(encoding="utf-8").strip() if file else os.environ.get(TOKEN_VARIABLE, "").strip()
        )
    except OSError as error:
        raise Permanent(f"{file}: {error.strerror}") from error
    if token:
        return token
    user = _user(device)
    raise Permanent(
        f"缺少 {user} 的令牌：用 --token-file 或环境变量 {TOKEN_VARIABLE}；"
        f"忘了就用 coldwatch device token {user} 换发 / "
        f"the token of {user} is missing: give --token-file or ${TOKEN_VARIABLE}; if it is lost, "
        f"`coldwatch device token {user}` gives a new one"
    )


def _user(device: Device) -> str:
    """Who signs in: the device, or its gateway when it has no token of its own."""
    return device.id if device.token_sha256 else device.behind


def _device(settings: Settings, device_id: str) -> Device:
    url = settings.database.pipeline_url
    if not url.get_secret_value():
        raise Permanent(
            "不知道数据库在哪里：先执行 coldwatch up，或设置 COLDWATCH_DATABASE__PIPELINE_URL / "
            "no database is known: run `coldwatch up` first, or set COLDWATCH_DATABASE__PIPELINE_URL"
        )
    cache = RegistryCache()
    try:
        connection = connect_database(url, settings.database, "replay")
        try:
            cache.apply(fetch_changes(connection, 0))
        finally:
            connection.close()
    except psycopg2.OperationalError as error:
        raise Permanent(f"数据库无法访问 / the database cannot be reached: {error}") from error
    device = cache.find(device_id)
    if device is None or device.retired_us is not None:
        raise Permanent(
            f"没有在用的设备 {device_id}，可用 coldwatch device list 查看、device add 登记 / "
            f"there is no device {device_id} in use; see `coldwatch device list`, or enrol it with `device add`"
        )
    return device


def _target(settings: Settings, device: Device, token: str) -> Target:
    if not settings.gateway.port:
        raise Permanent(
            "不知道网关在哪里：先执行 coldwatch up，或设置 COLDWATCH_GATEWAY__PORT / "
            "no gateway is known: run `coldwatch up` first, or set COLDWATCH_GATEWAY__PORT"
        )
    host, port = settings.gateway.host, settings.gateway.port
    return Target(
        host,
        port,
        _user(device),
        token,
        *(topic_of(device.enterprise, device.id, channel) for channel in (TELEMETRY, ERRORS)),
    )


def _check_metric(device: Device, metric: str, unit: str) -> None:
    units = {point.metric: point.unit for point in device.points}
    if metric not in units:
        raise Permanent(
            f"{device.id} 没有指标 {metric}，有：{', '.join(units)} / {device.id} has no metric {metric}, it has: "
            f"{', '.join(units)}"
        )
    if UNITS[unit][0] != units[metric]:
        raise Permanent(
            f"{metric} 的单位是 {units[metric]},--unit {unit} 不合 / {metric} is in {units[metric]}, not {unit}"
        )
