"""What to do, per rule, in zh and en: the sentence an operator reads beside the curve. One table."""

from typing import Final

import msgspec


class Advice(msgspec.Struct, frozen=True):
    """The next step, short enough to be read aloud on the telephone."""

    zh: str
    en: str


ADVICE: Final[dict[str, Advice]] = {
    "excursion": Advice(
        "立即致电现场负责人：检查库门是否关好、压缩机是否运转；超过拒收线的食品先隔离，测中心温度后再决定去留。",
        "Call the site: is the door shut, is the compressor running? Set food beyond the reject line apart and measure"
        " its core before deciding on it.",
    ),
    "door_open": Advice(
        "致电现场关门；装卸货期间请分批作业，关门后确认温度回落。",
        "Call the site to shut the door; load in smaller batches, and see that the temperature falls again.",
    ),
    "silence": Advice(
        "无数据不等于正常：检查设备电源、网络和网关；恢复前请现场每 30 分钟人工测温并记录。",
        "No data is not good data: check power, network and gateway; until it is back, measure and record by hand every"
        " 30 minutes.",
    ),
    "clock": Advice(
        "设备时间不准，其数据已隔离：校准设备时钟（NTP 或重新配置时区），再看新数据是否被接受。",
        "The device's clock is wrong and its data is set apart: set its clock (NTP, or its time zone) and see that new"
        " data is accepted.",
    ),
    "refused": Advice(
        "设备发来的消息无法接收：在设备页查看原文和原因，按提示修改设备配置或固件。",
        "Messages of this device are refused: see the message and the reason on the device's page and change the"
        " device's configuration or firmware accordingly.",
    ),
    "positive_test": Advice(
        "同批食品立即停售并封存；复测，仍为阳性的送法定检验机构；"
        "通知被检单位（4 小时内可提出异议）；处置完成后填写结果并关闭。",
        "Stop the sale of the lot and hold the stock; test again, and send a second positive to the laboratory; tell"
        " the holder, who may object within 4 hours; close this with a note when all is done.",
    ),
    "gateway_clock": Advice(
        "接入网关所在主机的时钟与 Kafka 主机相差过大，期间按 Kafka 的时间判定：检查两台主机的对时服务（NTP），"
        "校准后本事件自行结束。",
        "The host of an ingest gateway and Kafka's disagree on the time, and Kafka's holds: check NTP on both."
        " This ends by itself when they agree again.",
    ),
    "camera_black": Advice(
        "画面全黑：检查摄像头电源、镜头盖和现场照明；营业时间内请现场立即恢复。",
        "The picture is black: check the camera's power, its lens cap and the light; during business hours have it"
        " restored at once.",
    ),
    "camera_covered": Advice(
        "镜头被遮挡或失焦：请现场清除遮挡、擦拭镜头并重新对焦，恢复后核对画面。",
        "The lens is covered or out of focus: have it cleared, wiped and focused, then look at the picture.",
    ),
    "camera_frozen": Advice(
        "画面静止不变：重启摄像头或编码器，确认画面里的时间在走动。",
        "The picture does not change: restart the camera or its encoder, and see that the clock in the picture moves.",
    ),
}
