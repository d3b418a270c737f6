"""A positive is known in whatever form an instrument writes it, and in what had to be refused."""

import pytest

from ingest.admission import admit, refuse, resolve
from ingest.positive import tells_positive
from ingest.routing import Route
from schemas.reading import decode_lines
from schemas.registry import Device
from schemas.result import Verdict, sounds_positive, verdict_of

NOW_US = 1_764_000_000_000_000
POSITIVE = (
    "阳性",
    "阳性(+)",
    "阳性（+）",
    "＋",
    "++",
    "+++",
    "阳性+",
    " 不合格 ",
    "弱阳性",
    "+++++",
    "FAIL",
    "Positive (+)",
    "不合格(+)",
)
NEGATIVE = ("阴性(-)", "阴性（－）", "－", "\u2212", "-", "阴性-", "未检出", "合格", "Negative(-)")
SUSPICIOUS = ("±", "+/-", "可疑(±)", "疑似")
UNKNOWN = ("待定", "", "阳性(-)", "阴性(+)", "阳", "N/A", "(", "+-+")


@pytest.mark.parametrize(
    ("word", "verdict"),
    [
        *((word, Verdict.POSITIVE) for word in POSITIVE),
        *((word, Verdict.NEGATIVE) for word in NEGATIVE),
        *((word, Verdict.SUSPICIOUS) for word in SUSPICIOUS),
        *((word, None) for word in UNKNOWN),
    ],
)
def test_a_word_stands_for_its_verdict(word: str, verdict: Verdict | None) -> None:
    assert verdict_of(word) is verdict


@pytest.mark.parametrize(
    ("word", "sounds"),
    [
        ("阳性(-)", True),
        ("疑似阳性++", True),
        ("阳", True),
        ("检出3项", True),
        ("未检出(+)", False),
        ("待定", False),
        ("合格", False),
    ],
)
def test_an_unknown_word_that_may_mean_a_positive_sounds_so(word: str, sounds: bool) -> None:
    assert sounds_positive(word) is sounds


def result_route() -> Route:
    device = Device(
        id="d1",
        kind="instrument",
        enterprise="e1",
        site="s1",
        interval_us=3_600_000_000,
        profile="instrument",
    )
    found = resolve(device, "cw/v1/e1/d1/result", lambda _id: None)
    assert isinstance(found, Route)
    return found


REFUSED = {
    "without a number": '{"at": 1764000000000, "sample": "a", "item": "b", "verdict": "阳性"}'.encode(),
    "a naive time": '{"number": "1", "at": "2025-11-25 00:00:00", "verdict": "不合格"}'.encode(),
    "hours ahead": '{"number": "1", "at": 1764028800000, "sample": "a", "item": "b", "verdict": "阳性"}'.encode(),
    "escaped": b'{"at": 1764000000000, "verdict": "\\u9633\\u6027"}',
    "GBK": '{"number": "1", "at": 1764000000000, "sample": "草鱼", "item": "b", "verdict": "阳性"}'.encode(
        "gbk"
    ),
    "UTF-16": '{"number": "1", "verdict": "阳性"}'.encode("utf-16"),
    "curly quotes": "{“number”: “1”, “verdict”: “不合格”}".encode(),
    "cut off": '{"number": "1", "verdict": "不合格", "samp'.encode(),
    "an array": b'[{"number": "1", "verdict": "+"}]',
    "an unknown word": '{"at": 1764000000000, "sample": "a", "item": "b", "verdict": "阳性++-"}'.encode(),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_refused_positive_says_so_to_the_judge(name: str) -> None:
    admitted = admit(result_route(), REFUSED[name], NOW_US)
    assert admitted.result is None
    (line,) = decode_lines(admitted.lines)
    assert (line.n.split(":")[0], line.v) == ("refused", 1.0)


@pytest.mark.parametrize(
    "payload",
    [
        '{"at": 1764000000000, "verdict": "阴性"}'.encode(),
        '{"at": 1764000000000, "verdict": "合格", "item": "阳性"}'.encode(),
        b'{"values": {"temperature": "warm"}}',
        b"",
        b"\xff\xfe\x00",
        b"verdict",
    ],
)
def test_other_refused_messages_do_not(payload: bytes) -> None:
    assert not tells_positive(payload)


def test_a_positive_on_a_topic_that_is_not_its_own_says_so_too() -> None:
    device = result_route().device
    rejection = resolve(device, "cw/v1/e1/d1/telemetry", lambda _id: None)
    assert not isinstance(rejection, Route)
    (line,) = decode_lines(refuse(rejection, REFUSED["without a number"], NOW_US).lines)
    assert line.v == 1.0
