"""`coldwatch doctor`: one check per thing that must be right, each with what to do when it is not."""

import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from importlib import resources

import psycopg2
from rich.table import Column, Table
from rich.text import Text

from coldwatch.wiring import saved_settings
from coldwatch.wiring.connections import connect_database
from schemas.settings import DatabaseSettings, Settings
from stack import caches, kafka, local, ports, record
from stack.setup import environment, packages, root_file_system
from stack.setup.steps import SetupFailed

EXAMINE_DATABASE = resources.files("stack").joinpath("doctor.sql").read_text(encoding="utf-8")
NEEDED_GB = 5.0
JAVA_FROM = 17


class Verdict(Enum):
    GOOD = "✓"
    UNKNOWN = "-"
    """Cannot be told now, for instance because nothing runs."""
    BAD = "✗"


@dataclass(frozen=True)
class Finding:
    """What one check says; `remedy` in Chinese and English, empty when all is well."""

    name: str
    verdict: Verdict
    detail: str
    remedy: str = ""


Check = Callable[[Settings], Finding]


def examine(settings: Settings) -> list[Finding]:
    """Runs all checks, in the order in which they build on each other."""
    if _runs(settings):
        settings = saved_settings.of_running(settings)
    return [check(settings) for check in CHECKS]


def _runs(settings: Settings) -> bool:
    found = record.read(saved_settings.run_directory(settings) / "record.json")
    return found is not None and found.supervisor_lives()


def _say(name: str, good: bool, detail: str, remedy: str) -> Finding:
    return Finding(name, Verdict.GOOD if good else Verdict.BAD, detail, "" if good else remedy)


MAKE_SETUP = "执行 make setup · run `make setup`"


def check_python(settings: Settings) -> Finding:
    version = sys.version.split()[0]
    return _say(
        "Python", sys.version_info >= (3, 11), version, "安装 Python 3.11 以上 · install Python 3.11 or later"
    )


def check_environment(settings: Settings) -> Finding:
    current = environment.is_current()
    return _say("依赖 · dependencies", current, str(environment.VENV), MAKE_SETUP)


def check_packages(settings: Settings) -> Finding:
    name = "Debian 软件包 · packages"
    try:
        missing = packages.missing(packages.wanted())
    except SetupFailed as error:
        return Finding(name, Verdict.BAD, "", str(error))
    return _say(name, not missing, ", ".join(missing) or "齐全 · all there", MAKE_SETUP)


def check_java(settings: Settings) -> Finding:
    found = java_version(_output("java", "-version"))
    remedy = f"安装 Java {JAVA_FROM} 以上 · install Java {JAVA_FROM} or later: apt-get install default-jre-headless"
    return _say("Java", found >= JAVA_FROM, str(found or "-"), remedy)


def java_version(text: str) -> int:
    """The major version in what `java -version` prints; 0 when there is none."""
    _, quote, rest = text.partition('"')
    digits = rest.partition('"')[0].partition(".")[0]
    return int(digits) if quote and digits.isdigit() else 0


def check_jars(settings: Settings) -> Finding:
    path = caches.kafka_jars(settings.cache.expanduser())
    return _say("Kafka 程序 · jars", path.is_dir(), str(path), MAKE_SETUP)


def check_rootfs(settings: Settings) -> Finding:
    path = caches.rootfs(settings.cache.expanduser())
    return _say("PostgreSQL 程序 · root file system", path.is_dir(), str(path), MAKE_SETUP)


def check_sandbox(settings: Settings) -> Finding:
    name, root = "bubblewrap", caches.rootfs(settings.cache.expanduser())
    if not root.is_dir() or shutil.which("bwrap") is None:
        return Finding(name, Verdict.UNKNOWN, "", MAKE_SETUP)
    try:
        root_file_system.check(root)
    except SetupFailed as error:
        return Finding(name, Verdict.BAD, "", str(error))
    return Finding(name, Verdict.GOOD, "可用 · works")


def check_disk(settings: Settings) -> Finding:
    home = settings.home.absolute()
    existing = next(path for path in (home, *home.parents) if path.exists())
    free_gb = shutil.disk_usage(existing).free / 1e9
    remedy = "清理磁盘或用 COLDWATCH_HOME 换目录 · free some space or set COLDWATCH_HOME"
    return _say("磁盘 · disk", free_gb >= NEEDED_GB, f"{free_gb:.0f} GB · {existing}", remedy)


def check_ports(settings: Settings) -> Finding:
    """Every port that was set is free for us, or held by our own running stack."""
    name = "端口 · ports"
    if _runs(settings):
        return Finding(name, Verdict.GOOD, "本套在用 · in use by this stack")
    numbers = {getattr(getattr(settings, group), key) for group, key in local.PORTS} - {0}
    taken = sorted(number for number in numbers if not ports.is_free(number))
    remedy = "释放端口或改设置 · free them or set others"
    return _say(name, not taken, f"被占用 · taken: {taken}" if taken else "空闲 · free", remedy)


def check_chromium(settings: Settings) -> Finding:
    path = shutil.which("chromium")
    return _say("Chromium（测试用 · for the tests）", path is not None, path or "-", MAKE_SETUP)


def check_fonts(settings: Settings) -> Finding:
    families = _output("fc-list", ":lang=zh-cn", "family").splitlines()
    detail = families[0] if families else "-"
    return _say("中文字体 · Chinese fonts", bool(families), detail, "apt-get install fonts-noto-cjk")


def check_kafka(settings: Settings) -> Finding:
    name, bootstrap = "Kafka", settings.kafka.bootstrap
    if not bootstrap:
        return Finding(name, Verdict.UNKNOWN, "未运行 · not running", "coldwatch up")
    return _say(
        name, kafka.answers(settings.kafka), bootstrap, "coldwatch up；看日志 · and see logs/kafka.log"
    )


def check_database(settings: Settings) -> Finding:
    """The database answers and has TimescaleDB; tells which edition, and whether its clock agrees with ours."""
    name = "TimescaleDB"
    if not settings.database.reader_url.get_secret_value():
        return Finding(name, Verdict.UNKNOWN, "未运行 · not running", "coldwatch up")
    try:
        version, edition, clock = _ask_database(settings.database)
    except psycopg2.OperationalError as error:
        detail = str(error).strip().splitlines()[0]
        return Finding(name, Verdict.BAD, detail, "coldwatch up；看日志 · and see logs/postgres.log")
    off_s = abs(time.time() - clock)
    detail = f"{version} ({edition}), Δ {off_s:.1f} s"
    remedy = "安装扩展；两机对时 · install the extension; set both clocks by NTP"
    return _say(name, bool(version) and off_s < 2, detail, remedy)


def _ask_database(settings: DatabaseSettings) -> tuple[str, str, float]:
    connection = connect_database(settings.reader_url, settings, "doctor")
    try:
        with connection.cursor() as cursor:
            cursor.execute(EXAMINE_DATABASE)
            return cursor.fetchone() or ("", "", 0.0)
    finally:
        connection.close()


def check_clock(settings: Settings) -> Finding:
    name = "时钟 · clock"
    synchronised = _output("timedatectl", "show", "--property=NTPSynchronized", "--value").strip()
    now = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())
    if synchronised not in ("yes", "no"):
        return Finding(name, Verdict.UNKNOWN, now, "请与标准时间比对 · compare with a known clock")
    return _say(name, synchronised == "yes", now, "timedatectl set-ntp true")


CHECKS: tuple[Check, ...] = (
    check_python,
    check_environment,
    check_packages,
    check_java,
    check_jars,
    check_rootfs,
    check_sandbox,
    check_disk,
    check_ports,
    check_clock,
    check_chromium,
    check_fonts,
    check_kafka,
    check_database,
)


def table(findings: list[Finding]) -> Table:
    """What the checks say, for a person."""
    colours = {Verdict.GOOD: "green", Verdict.UNKNOWN: "yellow", Verdict.BAD: "red"}
    drawn = Table(
        *(Column(name, overflow="fold") for name in ("", "检查 · check", "结果 · found", "办法 · remedy"))
    )
    for finding in findings:
        mark = Text(finding.verdict.value, style=colours[finding.verdict])
        drawn.add_row(mark, finding.name, finding.detail, finding.remedy)
    return drawn


def _output(*command: str) -> str:
    """What a command prints on either stream; empty when it is not installed."""
    if shutil.which(command[0]) is None:
        return ""
    done = subprocess.run(command, capture_output=True, text=True, timeout=20)
    return done.stdout + done.stderr
