"""`coldwatch simulate`: the simulated city against the running stack."""

import json
import signal
import sys
import threading
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import psycopg2
import typer

from coldwatch.wiring import saved_settings
from schemas.errors import Permanent, Temporary
from schemas.settings import Settings

if TYPE_CHECKING:
    from city.enrolment import Enrolled
    from city.plan import City

EXIT_CANNOT = 3
SENTENCES = {
    "enrolled": "已登记 {devices} 台设备（新 {new}） · {devices} devices registered ({new} new)",
    "connected": "{devices} 台设备在线 · {devices} devices are on line",
    "fault": "故障 · fault  {fault}  {device}  → {rule}",
    "stopped": "已停止：发出 {published}，确认 {acknowledged}，被拒通知 {notices} · "
    "stopped: {published} sent, {acknowledged} acknowledged, {notices} notices of refusal",
}


def register(app: typer.Typer) -> None:
    """Adds the command to the app."""
    app.command("simulate")(simulate)


def simulate(
    seed: Annotated[int, typer.Option(min=0, help="同一种子同一座城 · the same seed is the same city")] = 7,
    seconds: Annotated[float | None, typer.Option(min=1, help="运行多久 · how long; until Ctrl-C")] = None,
    labels: Annotated[
        Path | None, typer.Option(help="故障标签文件 · where the exact labels of the faults go (JSON)")
    ] = None,
    faults: Annotated[bool, typer.Option(help="是否按脚本制造故障 · play the script of faults")] = True,
    repeat: Annotated[bool, typer.Option(help="每 4 分钟重演 · play it again every four minutes")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="每行一个 JSON 事件 · one JSON event a line")
    ] = False,
    with_parent: Annotated[
        bool, typer.Option(help="标准输入关闭即停 · stop when standard input ends", hidden=True)
    ] = False,
) -> None:
    """模拟城市：真实 MQTT 连接、物理、故障脚本 · the simulated city: real MQTT, physics, scripted faults."""
    from city import plan
    from city.publisher import Publisher
    from city.simulation import Simulation

    stop = stop_event(with_parent)
    tell = tell_json if as_json else tell_person
    settings = saved_settings.of_running(Settings())
    try:
        city = plan.build(seed)
        enrolled = enrol(city, settings)
        tell("enrolled", {"devices": len(city.devices), "new": enrolled.new})
        publisher = Publisher(city, enrolled.tokens, settings.gateway.host, settings.gateway.port)
        summary = Simulation(city, publisher, faults, repeat, labels, tell).run(stop, seconds)
    except (Permanent, Temporary) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(EXIT_CANNOT) from None
    if summary["unanswered"] or summary["lost"]:
        raise typer.Exit(1)


def enrol(city: "City", settings: Settings) -> "Enrolled":
    """Puts the city into the running stack's registry. Raises Temporary when the database cannot be reached."""
    from city import enrolment
    from coldwatch.wiring.connections import connect_database
    from ingest.registry import PostgresRegistry

    try:
        connection = connect_database(settings.database.pipeline_url, settings.database, "simulate")
    except psycopg2.OperationalError as error:
        raise Temporary(
            "连不上数据库：先执行 coldwatch up / the database cannot be reached: `coldwatch up` first: "
            + str(error).strip()
        ) from error
    with closing(connection):
        tokens = saved_settings.run_directory(settings) / "city-tokens.json"
        return enrolment.enrol(city, PostgresRegistry(connection), tokens)


def stop_event(with_parent: bool) -> threading.Event:
    """Set by SIGINT, by SIGTERM and, when asked for, by the end of standard input."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    if with_parent:
        threading.Thread(target=_stop_at_end_of_input, args=(stop,), daemon=True).start()
    return stop


def _stop_at_end_of_input(stop: threading.Event) -> None:
    sys.stdin.read()
    stop.set()


def tell_json(event: str, facts: Mapping[str, Any]) -> None:
    print(json.dumps({"event": event, **facts}, ensure_ascii=False), flush=True)


def tell_person(event: str, facts: Mapping[str, Any]) -> None:
    typer.echo(SENTENCES[event].format(**facts), err=True)
