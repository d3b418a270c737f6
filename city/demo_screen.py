"""What the demo shows on standard error: one quiet panel on a terminal, plain lines elsewhere."""

from collections import deque
from datetime import datetime

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from city.demo import Counts, Found
from city.process import Event
from coldwatch.operate.first_admin import Login, login_lines

FAULTS = {
    "door_left_open": "库门未关 · door left open",
    "compressor_dead": "压缩机停机 · compressor dead",
    "probe_silent": "探头失联 · probe silent",
    "camera_covered": "镜头被遮 · camera covered",
    "camera_frozen": "画面冻结 · camera frozen",
    "positive_test": "快检阳性 · positive test",
    "bad_payload": "报文格式错 · bad payload",
    "clock_wrong": "设备时钟错 · device clock wrong",
}


def address_lines(url: str, first: Login | None) -> list[str]:
    """Where the console is, and who may sign in when it is the first start."""
    return [f"监控台 · console  {url}", *login_lines(first)]


def city_line(event: Event) -> str:
    """One event of the city as a sentence."""
    if event["event"] == "enrolled":
        return f"模拟城市：{event['devices']} 台设备已登记 · simulated city: {event['devices']} devices registered"
    if event["event"] == "connected":
        return "设备全部在线，一切就绪 · every device is on line, all ready"
    if event["event"] == "fault":
        return f"制造故障 · fault: {FAULTS[event['fault']]}  ({event['device']})"
    return (
        f"城市已停：发出 {event['published']} 条，确认 {event['acknowledged']} 条 · "
        f"city stopped: {event['published']} sent, {event['acknowledged']} acknowledged"
    )


def counts_line(counts: Counts) -> str:
    return (
        f"值 · values {counts.judged}   告警 · incidents {counts.incidents} (未结 · open {counts.incidents_open})   "
        f"图像 · frames {counts.frames}   检测 · tests {counts.results}"
    )


class PlainScreen:
    """Lines, for logs and pipes: steps as they come, counts every ten seconds."""

    def __init__(self, console: Console, seconds: float | None) -> None:
        self._console = console
        self._seconds = seconds
        self._next_s = 0.0

    def step(self, line: str) -> None:
        self._console.print(line, highlight=False, soft_wrap=True)

    def address(self, url: str, first: Login | None) -> None:
        for line in address_lines(url, first):
            self.step(line)

    def city(self, event: Event) -> None:
        self.step(city_line(event))

    def counts(self, counts: Counts, found: Found, elapsed_s: float) -> None:
        if elapsed_s >= self._next_s:
            self._next_s = elapsed_s + 10.0
            self.step(f"{clock(elapsed_s, self._seconds)}  {counts_line(counts)}")


class LiveScreen:
    """Addresses and steps scroll by; below them a panel that is redrawn in place."""

    def __init__(self, console: Console, seconds: float | None) -> None:
        self._console = console
        self._seconds = seconds
        self._faults: deque[Event] = deque(maxlen=8)
        self._live: Live | None = None

    def step(self, line: str) -> None:
        self._console.print(Text(line, style="dim"))

    def address(self, url: str, first: Login | None) -> None:
        for line in address_lines(url, first):
            self._console.print(Text(line, style="bold"))

    def city(self, event: Event) -> None:
        if event["event"] == "fault":
            self._faults.append(event)
            return
        if event["event"] == "stopped" and self._live is not None:
            self._live.stop()
            self._live = None
        self._console.print(Text(city_line(event)))

    def counts(self, counts: Counts, found: Found, elapsed_s: float) -> None:
        if self._live is None:
            self._live = Live(console=self._console, auto_refresh=False, transient=True)
            self._live.start()
        self._live.update(self._panel(counts, found, elapsed_s), refresh=True)

    def _panel(self, counts: Counts, found: Found, elapsed_s: float) -> Group:
        numbers = Table.grid(padding=(0, 3))
        numbers.add_row(
            Text(clock(elapsed_s, self._seconds), style="bold"),
            f"值 · values {counts.judged:,}",
            f"告警 · incidents {counts.incidents} (未结 · open {counts.incidents_open})",
            f"图像 · frames {counts.frames}",
            f"检测 · tests {counts.results}",
        )
        faults = Table.grid(padding=(0, 3))
        for event in self._faults:
            said = found_after(event, found)
            faults.add_row(
                "  ✓" if said else "  …", FAULTS[event["fault"]], Text(event["device"], style="dim"), said
            )
        return Group(numbers, faults)


def found_after(event: Event, found: Found) -> str:
    """How long after its beginning a fault was an incident; empty as long as it is none."""
    opened = found.get((event["rule"], event["subject"]))
    begun = datetime.fromisoformat(event["start_at"])
    if opened is None or opened < begun:
        return ""
    return f"{(opened - begun).total_seconds():.0f} 秒后告警 · incident after {(opened - begun).total_seconds():.0f} s"


def clock(elapsed_s: float, of_s: float | None) -> str:
    """`0:23 / 1:00`, or `0:23` when there is no end."""
    shown = f"{int(elapsed_s) // 60}:{int(elapsed_s) % 60:02d}"
    return shown if of_s is None else f"{shown} / {int(of_s) // 60}:{int(of_s) % 60:02d}"
