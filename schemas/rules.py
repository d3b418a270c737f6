"""What everybody but its judge needs to know of a rule: its words, what to do, and how its incidents are shown.

One table for alerts, history and the page, which name no rule themselves. The page is served it (`GET /api/rules`).
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final

import msgspec


class Words(msgspec.Struct, frozen=True):
    zh: str
    en: str


class Scope(StrEnum):
    """What a rule judges. A camera's rule belongs to a check of the frames worker, the others to the judge."""

    POINT = "point"
    DEVICE = "device"
    RESULT = "result"
    GATEWAY = "gateway"
    CAMERA = "camera"


class Value(StrEnum):
    """What an incident shows where a value stands: a number held against a limit, open or shut, or nothing."""

    MEASURED = "measured"
    DOOR = "door"
    NONE = "none"


class Evidence(StrEnum):
    """What proves an incident: the curve of its point, what the device sent last, what of it was refused, a picture,
    a test."""

    CURVE = "curve"
    DEVICE_CURVE = "device_curve"
    REFUSALS = "refusals"
    FRAME = "frame"
    RESULT = "result"


class Aspect(msgspec.Struct, frozen=True):
    """A fact of the finding's detail that is shown where a value would stand. how: as it is, by the word of a rejection
    code, or as signed seconds."""

    key: str
    how: str = "text"


class RuleFacts(msgspec.Struct, frozen=True, kw_only=True):
    """One rule. to_do: the next step, short enough to be read aloud on the telephone.

    band: its incidents are drawn as bands on their point's curve. unheard: while one is open, what its device said
    last is old. variants: other words for the name, by "METRIC_high" or "METRIC_low" (which limit was crossed) or by
    "KEY_VALUE" of the detail.
    """

    name: str
    scope: Scope
    words: Words
    to_do: Words
    value: Value = Value.NONE
    evidence: tuple[Evidence, ...] = ()
    band: bool = False
    unheard: bool = False
    aspects: tuple[Aspect, ...] = ()
    variants: Mapping[str, Words] = {}


class FactsTable:
    """The facts of every rule that can open an incident, by name."""

    def __init__(self, rows: Iterable[RuleFacts]) -> None:
        self.rows: Final = tuple(rows)
        self._by_name: Final = {row.name: row for row in self.rows}

    def get(self, rule: str) -> RuleFacts | None:
        return self._by_name.get(rule)

    def proved_by(self, rule: str, evidence: Evidence) -> bool:
        known = self.get(rule)
        return known is not None and evidence in known.evidence

    def bands(self) -> list[str]:
        """The rules whose incidents are drawn as bands."""
        return [row.name for row in self.rows if row.band]

    def unheard(self) -> list[str]:
        """The rules whose incidents say that a device is not heard."""
        return [row.name for row in self.rows if row.unheard]

    def and_rows(self, *rows: RuleFacts) -> "FactsTable":
        """This table and more rows behind its own."""
        return FactsTable((*self.rows, *rows))


FACTS: Final = FactsTable((
    RuleFacts(
        name="excursion",
        scope=Scope.POINT,
        words=Words("超限", "out of limits"),
        value=Value.MEASURED,
        evidence=(Evidence.CURVE,),
        band=True,
        variants={
            "temperature_high": Words("温度过高", "Too warm"),
            "temperature_low": Words("温度过低", "Too cold"),
            "humidity_high": Words("湿度过高", "Too humid"),
            "humidity_low": Words("湿度过低", "Too dry"),
            "mains_low": Words("停电", "Power cut"),
        },
        to_do=Words(
            "立即致电现场负责人：检查供电是否正常、库门是否关好、压缩机是否运转；"
            "超过拒收线的食品先隔离，测中心温度后再决定去留。",
            "Call the site: is the power on, the door shut, the compressor running? Set food beyond the reject line"
            " apart and measure its core before deciding on it.",
        ),
    ),
    RuleFacts(
        name="door_open",
        scope=Scope.POINT,
        words=Words("门未关", "Door left open"),
        value=Value.DOOR,
        evidence=(Evidence.CURVE,),
        band=True,
        to_do=Words(
            "致电现场关门；装卸货期间请分批作业，关门后确认温度回落。",
            "Call the site to shut the door; load in smaller batches, and see that the temperature falls again.",
        ),
    ),
    RuleFacts(
        name="silence",
        scope=Scope.DEVICE,
        words=Words("设备失联", "Device silent"),
        evidence=(Evidence.DEVICE_CURVE,),
        unheard=True,
        to_do=Words(
            "无数据不等于正常：检查设备电源、网络和网关；恢复前请现场每 30 分钟人工测温并记录。",
            "No data is not good data: check power, network and gateway; until it is back, measure and record by hand"
            " every 30 minutes.",
        ),
    ),
    RuleFacts(
        name="clock",
        scope=Scope.DEVICE,
        words=Words("设备时钟不对", "Device clock wrong"),
        evidence=(Evidence.REFUSALS, Evidence.DEVICE_CURVE),
        aspects=(Aspect("ahead_s", "seconds"),),
        variants={"cause_zone": Words("设备时区不对", "Device time zone wrong")},
        to_do=Words(
            "设备时间不准（超前过多的数据已隔离）：校准设备时钟（NTP 或重新配置时区），再看新数据的时间是否正确。",
            "The device's clock is wrong (what is far ahead is set apart): set its clock (NTP, or its time zone) and"
            " see that the times of new data are right.",
        ),
    ),
    RuleFacts(
        name="wrong_interval",
        scope=Scope.DEVICE,
        words=Words("上报间隔不符", "Interval not as registered"),
        evidence=(Evidence.DEVICE_CURVE,),
        aspects=(Aspect("usual_s", "seconds"),),
        to_do=Words(
            "设备实际上报间隔长于登记的间隔：核对是否有丢包或信号差；若设备本来就这样上报，请改正登记的上报间隔。",
            "The device reports less often than registered: look for lost messages or a weak signal; if it is meant to"
            " report so, put the registered interval right.",
        ),
    ),
    RuleFacts(
        name="refused",
        scope=Scope.DEVICE,
        words=Words("上报被拒收", "Messages refused"),
        evidence=(Evidence.REFUSALS,),
        aspects=(Aspect("code", "code"),),
        to_do=Words(
            "设备发来的消息无法接收：在设备页查看原文和原因，按提示修改设备配置或固件。",
            "Messages of this device are refused: see the message and the reason on the device's page and change the"
            " device's configuration or firmware accordingly.",
        ),
    ),
    RuleFacts(
        name="refused_positive",
        scope=Scope.DEVICE,
        words=Words("阳性结果被拒收", "Positive result refused"),
        evidence=(Evidence.REFUSALS,),
        aspects=(Aspect("code", "code"),),
        to_do=Words(
            "一条含阳性结论的结果未能入库：查看原文，按阳性处置（停售、封存、复测），并改正仪器后重发该结果。",
            "A result that tells of a positive test could not be taken: read it in full, act as for a positive (stop"
            " the sale, hold the stock, test again), put the instrument right and have it sent again.",
        ),
    ),
    RuleFacts(
        name="positive_test",
        scope=Scope.RESULT,
        words=Words("检测不合格", "Positive test"),
        evidence=(Evidence.RESULT,),
        aspects=(Aspect("item"), Aspect("sample")),
        variants={"verdict_suspicious": Words("检测可疑", "Suspicious test")},
        to_do=Words(
            "同批食品立即停售并封存；复测，仍为阳性的送法定检验机构；"
            "通知被检单位（4 小时内可提出异议）；处置完成后填写结果并关闭。",
            "Stop the sale of the lot and hold the stock; test again, and send a second positive to the laboratory;"
            " tell the holder, who may object within 4 hours; close this with a note when all is done.",
        ),
    ),
    RuleFacts(
        name="gateway_clock",
        scope=Scope.GATEWAY,
        words=Words("网关时钟不对", "Gateway clock wrong"),
        aspects=(Aspect("ahead_s", "seconds"),),
        to_do=Words(
            "接入网关所在主机的时钟与 Kafka 主机相差过大，期间按 Kafka 的时间判定：检查两台主机的对时服务（NTP），"
            "校准后本事件自行结束。",
            "The host of an ingest gateway and Kafka's disagree on the time, and Kafka's holds: check NTP on both."
            " This ends by itself when they agree again.",
        ),
    ),
    RuleFacts(
        name="camera_black",
        scope=Scope.CAMERA,
        words=Words("画面全黑", "Camera black"),
        evidence=(Evidence.FRAME,),
        to_do=Words(
            "画面全黑：检查摄像头电源、镜头盖和现场照明；营业时间内请现场立即恢复。",
            "The picture is black: check the camera's power, its lens cap and the light; during business hours have it"
            " restored at once.",
        ),
    ),
    RuleFacts(
        name="camera_covered",
        scope=Scope.CAMERA,
        words=Words("镜头遮挡失焦", "Camera covered"),
        evidence=(Evidence.FRAME,),
        to_do=Words(
            "镜头被遮挡或失焦：请现场清除遮挡、擦拭镜头并重新对焦，恢复后核对画面。",
            "The lens is covered or out of focus: have it cleared, wiped and focused, then look at the picture.",
        ),
    ),
    RuleFacts(
        name="camera_frozen",
        scope=Scope.CAMERA,
        words=Words("画面冻结", "Camera frozen"),
        evidence=(Evidence.FRAME,),
        to_do=Words(
            "画面静止不变：重启摄像头或编码器，确认画面里的时间在走动。",
            "The picture does not change: restart the camera or its encoder, and see that the clock in the picture"
            " moves.",
        ),
    ),
))  # fmt: skip
