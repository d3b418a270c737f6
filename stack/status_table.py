"""The table of `coldwatch status` for people: services, addresses, flow and ledger; zh-CN first, en beside it."""

import time
from dataclasses import dataclass
from typing import Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from schemas.settings import Settings
from stack import status
from stack.flow import Flow, FlowReader
from stack.record import Record

COLOURS = {"ready": "green", "waiting": "yellow", "starting": "yellow", "paused": "yellow"}
WORDS = {
    "ready": "就绪",
    "waiting": "等待中",
    "starting": "启动中",
    "failing": "无响应",
    "restarting": "重启中",
    "paused": "已暂停",
    "stopped": "已停止",
    "orphaned": "无人看管",
}
LEDGER = {
    "accepted": "已接收",
    "stored": "已入库",
    "duplicate": "重复",
    "quarantined": "隔离",
    "dead_lettered": "死信",
    "in_flight": "在途",
}


@dataclass(frozen=True)
class Look:
    """One look at the stack: monotonic seconds, books and flow, or why there are none."""

    at: float
    books: dict[str, Any]
    flow: Flow | None
    trouble: str = ""


class Watcher:
    """Takes looks, and draws the last one with the rates since the one before it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._flow = FlowReader(settings)
        self._before: Look | None = None

    def table(self, found: Record | None) -> Group:
        look = self._look() if status.is_running(found) else Look(time.monotonic(), {}, None)
        drawn = draw(self._settings, found, look, self._before)
        self._before = look
        return drawn

    def _look(self) -> Look:
        now = time.monotonic()
        try:
            return Look(now, status.read_ledger(self._settings), self._flow.read())
        except status.Unreachable as error:
            return Look(now, {}, None, str(error))

    def close(self) -> None:
        self._flow.close()


def draw(settings: Settings, found: Record | None, look: Look, before: Look | None) -> Group:
    """Everything that a person sees of one look."""
    if not status.is_running(found) and not any(row["pid"] for row in status.services(found)):
        return Group(Text("未运行：coldwatch up · not running: `coldwatch up`", style="yellow"))
    parts: list[Any] = [_services(found), _addresses(settings)]
    if look.books:
        parts.append(_ledger(look, before))
    if look.flow is not None:
        parts.append(_flow(look.flow))
    if look.trouble:
        parts.append(Text(look.trouble, style="red"))
    return Group(*parts)


def _services(found: Record | None) -> Table:
    table = Table("服务 · service", "状态 · state", "进程 · pid", "重启 · restarts")
    for row in status.services(found):
        state = row["state"]
        words = Text(f"{WORDS[state]} · {state}", style=COLOURS.get(state, "red"))
        table.add_row(row["name"], words, str(row["pid"] or "-"), str(row["restarts"]))
    return table


def _addresses(settings: Settings) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_row("页面 · console", status.console_url(settings) or "-")
    table.add_row(
        "MQTT", f"{settings.gateway.host}:{settings.gateway.port}" if settings.gateway.port else "-"
    )
    table.add_row("Kafka", settings.kafka.bootstrap or "-")
    return table


def _ledger(look: Look, before: Look | None) -> Table:
    balanced = bool(look.books.get("balanced"))
    title = Text("台账平衡 · ledger balanced" if balanced else "台账不平 · LEDGER NOT BALANCED")
    title.stylize("green" if balanced else "bold red")
    table = Table("数值 · values", "总数 · total", "每秒 · per second", title=title, title_justify="left")
    for name, word in LEDGER.items():
        table.add_row(f"{word} · {name}", f"{look.books[name]:,}", rate(name, look, before))
    return table


def rate(name: str, look: Look, before: Look | None) -> str:
    """Values per second since the look before; a dash when there was none."""
    if before is None or not before.books or look.at <= before.at:
        return "-"
    return f"{(look.books[name] - before.books[name]) / (look.at - before.at):,.0f}"


def _flow(flow: Flow) -> Table:
    table = Table.grid(padding=(0, 2))
    for topic, records in flow.lag.items():
        table.add_row(f"积压 · lag  {topic}", f"{records:,}")
    oldest = "-" if flow.oldest_s is None else f"{flow.oldest_s:.1f} s"
    table.add_row("最早未入库 · oldest not stored", oldest)
    return table
