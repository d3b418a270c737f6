"""Why a message, or one value of it, was refused: codes, sentences in zh and en, and the Kafka form.

A rejection is a record of topic `rejections`: the raw bytes as value, everything else in headers (see `HEADERS`).
`quarantined` keeps a well-formed value that cannot be true (clock, conflict, impossible, an unknown verdict);
`dead_lettered` keeps what could not be understood or was not allowed. Both can be replayed after a fix.
"""

from enum import StrEnum
from typing import Final

import msgspec

BOTH: Final = " ‖ "
"""Between the zh and the en of a detail that is words rather than figures."""


class Disposition(StrEnum):
    QUARANTINED = "quarantined"
    DEAD_LETTERED = "dead_lettered"


class Reason(msgspec.Struct, frozen=True):
    """One row of the table of reasons; the sentences say what to change and may use {detail} and {path}."""

    disposition: Disposition
    zh: str
    en: str


_D = Disposition.DEAD_LETTERED
_Q = Disposition.QUARANTINED

REASONS: Final[dict[str, Reason]] = {
    "bad_json": Reason(_D, "内容不是合法的 JSON：{detail}", "the payload is not valid JSON: {detail}"),
    "bad_shape": Reason(_D, "{path}：格式不对，{detail}", "{path}: wrong shape, {detail}"),
    "not_a_number": Reason(
        _D,
        "{path}：值是{detail}，必须是数字（不要加引号）",
        "{path}: value is {detail}, must be a number (no quotes)",
    ),
    "no_time": Reason(
        _D,
        "{path}：缺少测量时间 at（RFC 3339 带时区，或毫秒时间戳）",
        "{path}: `at` is missing (RFC 3339 with offset, or epoch milliseconds)",
    ),
    "naive_time": Reason(
        _D,
        "{path}：时间没有时区，请写成 2026-11-23T10:02:31+08:00 这样",
        "{path}: the time has no offset; write it like 2026-11-23T10:02:31+08:00",
    ),
    "bad_time": Reason(_D, "{path}：时间无法识别：{detail}", "{path}: not a time: {detail}"),
    "bad_seq": Reason(
        _D, "{path}：seq 必须是 0 到 2^63-1 的整数", "{path}: seq must be an integer from 0 to 2^63-1"
    ),
    "no_values": Reason(_D, "{path}：values 是空的", "{path}: `values` is empty"),
    "unknown_metric": Reason(
        _D,
        "{path}：这类设备没有该指标，可用的是：{detail}",
        "{path}: this kind of device has no such metric; it has: {detail}",
    ),
    "not_yours": Reason(
        _D,
        "设备只能用自己的名字发布；主题里的 {detail} 不归本连接",
        "a device publishes under its own name; {detail} in the topic does not belong to this connection",
    ),
    "unknown_topic": Reason(
        _D,
        "主题 {detail} 不存在，应为 cw/v1/企业/设备/telemetry（或 result、frame、event、status）",
        "no such topic {detail}; use cw/v1/ENTERPRISE/DEVICE/telemetry (or result, frame, event, status)",
    ),
    "wrong_channel": Reason(
        _D, "这类设备不能在 {detail} 通道上发布", "this kind of device does not publish on channel {detail}"
    ),
    "too_large": Reason(_D, "消息太大：{detail}", "the message is too large: {detail}"),
    "bad_packet": Reason(
        _D,
        "MQTT 报文有误，连接已断开：{detail}",
        "a broken MQTT packet has ended the connection: {detail}",
    ),
    "keep_alive": Reason(
        _D,
        "太久没有消息，连接已断开：{detail}；请检查网络，或把 keep alive 设长",
        "nothing came for too long and the connection was cut: {detail}; look at the network, or set a longer"
        " keep-alive",
    ),
    "bad_image": Reason(_D, "图片无法接收：{detail}", "the image cannot be accepted: {detail}"),
    "clock": Reason(
        _Q,
        "{path}：设备时间不对（{detail}），请校准时钟",
        "{path}: the device's time is wrong ({detail}); set its clock",
    ),
    "impossible": Reason(
        _Q,
        "{path}：数值不可能（{detail}），请检查探头与接线",
        "{path}: impossible value ({detail}); check the sensor and its wiring",
    ),
    "conflict": Reason(
        _Q,
        "{path}：同一时间和序号已有另一个值（{detail}），保留先到的；请让每条消息的 seq 递增",
        "{path}: another value is stored for the same time and seq ({detail}); the first one stays: count `seq` up with"
        " every message",
    ),
    "unknown_verdict": Reason(
        _Q,
        "{path}：不认识的结论“{detail}”，请用 合格/不合格/可疑/无效 或 negative/positive/suspicious/invalid",
        "{path}: unknown verdict '{detail}'; use negative, positive, suspicious or invalid",
    ),
    "bad_record": Reason(_D, "内部记录无法解读：{detail}", "an internal record could not be read: {detail}"),
}


class Rejection(msgspec.Struct, frozen=True, kw_only=True):
    """One refusal. `count` is the ledger's unit: values for quarantined ones, 1 for a refused payload."""

    code: str
    path: str = "$"
    detail: str = ""
    device: str = ""
    """The device whose ledger it falls on: the publisher when the topic's name is not its own."""
    publisher: str = ""
    topic: str = ""
    received_us: int = 0
    count: int = 1

    @property
    def disposition(self) -> Disposition:
        return REASONS[self.code].disposition

    def sentence(self, language: str) -> str:
        """What to change, in `zh` or `en`."""
        reason, chinese = REASONS[self.code], language.startswith("zh")
        zh, _, en = self.detail.partition(BOTH)
        template, detail = (reason.zh, zh) if chinese else (reason.en, en or zh)
        return template.replace("{path}", self.path).replace("{detail}", detail)


HEADER: Final = "rejection"
"""The Kafka header that carries the Rejection as JSON; HEADER_STORED names the evidence file of a large value."""
HEADER_STORED: Final = "stored"

_encoder: Final = msgspec.json.Encoder()
_decoder: Final = msgspec.json.Decoder(Rejection)


def encode_rejection(rejection: Rejection) -> bytes:
    return _encoder.encode(rejection)


def decode_rejection(header: bytes) -> Rejection:
    return _decoder.decode(header)


class Notice(msgspec.Struct, frozen=True):
    """What a device reads on its `errors` topic."""

    code: str
    path: str
    zh: str
    en: str
    topic: str
    received_at: str
    count: int = 1
    """Values that this concerns; `path` is the first one's."""


def notice_of(rejection: Rejection, received_at: str) -> Notice:
    return Notice(
        rejection.code,
        rejection.path,
        rejection.sentence("zh"),
        rejection.sentence("en"),
        rejection.topic,
        received_at,
        rejection.count,
    )
