"""Reason codes of MQTT 5 (section 2.4) that the front door uses, and 3.1.1's return codes beside them."""

from enum import IntEnum

import msgspec


class Code(IntEnum):
    """MQTT 5 reason codes."""

    SUCCESS = 0x00
    DISCONNECT_WITH_WILL = 0x04
    NO_SUBSCRIPTION_EXISTED = 0x11
    UNSPECIFIED = 0x80
    MALFORMED_PACKET = 0x81
    PROTOCOL_ERROR = 0x82
    UNSUPPORTED_VERSION = 0x84
    CLIENT_ID_NOT_VALID = 0x85
    BAD_CREDENTIALS = 0x86
    NOT_AUTHORIZED = 0x87
    SERVER_UNAVAILABLE = 0x88
    SERVER_BUSY = 0x89
    SERVER_SHUTTING_DOWN = 0x8B
    BAD_AUTHENTICATION_METHOD = 0x8C
    KEEP_ALIVE_TIMEOUT = 0x8D
    SESSION_TAKEN_OVER = 0x8E
    TOPIC_FILTER_INVALID = 0x8F
    TOPIC_NAME_INVALID = 0x90
    TOPIC_ALIAS_INVALID = 0x94
    PACKET_TOO_LARGE = 0x95
    QUOTA_EXCEEDED = 0x97
    ADMINISTRATIVE_ACTION = 0x98
    PAYLOAD_INVALID = 0x99
    RETAIN_NOT_SUPPORTED = 0x9A
    QOS_NOT_SUPPORTED = 0x9B
    SHARED_NOT_SUPPORTED = 0x9E
    SUBSCRIPTION_ID_NOT_SUPPORTED = 0xA1
    WILDCARD_NOT_SUPPORTED = 0xA2


class ProtocolError(Exception):
    """The stream cannot go on: what was wrong, as MQTT 5 numbers it and in words."""

    def __init__(self, code: Code, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence


class SignInRefusal(msgspec.Struct, frozen=True):
    """Why a CONNECT was refused. `name` is what is counted and recorded; `v3` is 3.1.1's return code."""

    name: str
    v3: int
    v5: Code
    sentence: str


BAD_TOKEN = SignInRefusal(
    "bad_token", 4, Code.BAD_CREDENTIALS, "设备号或令牌不对 / unknown device, or not its token"
)
UNKNOWN_DEVICE = SignInRefusal("unknown_device", 4, Code.BAD_CREDENTIALS, BAD_TOKEN.sentence)
RETIRED_DEVICE = SignInRefusal("retired_device", 4, Code.BAD_CREDENTIALS, BAD_TOKEN.sentence)
NO_USERNAME = SignInRefusal(
    "no_username",
    4,
    Code.BAD_CREDENTIALS,
    "用户名请填设备号，密码请填令牌 / the username is the device id, the password its token",
)
UNAVAILABLE = SignInRefusal(
    "unavailable",
    3,
    Code.SERVER_UNAVAILABLE,
    "暂时无法核对设备，请稍后再连 / cannot check devices now, try again",
)
BUSY = SignInRefusal(
    "busy", 3, Code.SERVER_BUSY, "连接已满，请稍后再连 / too many connections, try again later"
)
EMPTY_CLIENT_ID = SignInRefusal(
    "empty_client_id",
    2,
    Code.CLIENT_ID_NOT_VALID,
    "空的客户端标识需要 clean session / an empty client id needs clean session",
)
WILL_RETAIN = SignInRefusal(
    "will_retain", 5, Code.RETAIN_NOT_SUPPORTED, "遗嘱不能保留 / the will must not be retained"
)
AUTH_METHOD = SignInRefusal(
    "auth_method",
    5,
    Code.BAD_AUTHENTICATION_METHOD,
    "请用用户名和密码登录 / sign in with username and password",
)
