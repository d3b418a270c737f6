"""A box that breaks again and again is told of once a while, with how many there were."""

from ingest.mqtt.cut_streams import FOLD_S, MOST, CutStreams
from tests.front_door import House


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def test_the_first_is_told_and_the_next_one_counts_what_was_folded() -> None:
    clock = Clock()
    cuts, device = CutStreams(clock), House().device("solo")
    first = cuts.rejection(device, "bad_packet", "why", 7)
    assert first is not None
    assert (first.code, first.device, first.publisher, first.detail) == ("bad_packet", "solo", "solo", "why")
    for _ in range(5):
        clock.now_s += 1
        assert cuts.rejection(device, "bad_packet", "why", 8) is None
    clock.now_s = FOLD_S
    again = cuts.rejection(device, "bad_packet", "why", 9)
    assert again is not None
    assert again.detail == "why (+5)"


def test_devices_and_codes_are_folded_by_themselves() -> None:
    cuts, house = CutStreams(Clock()), House()
    told = [
        cuts.rejection(house.device(name), code, "", 1)
        for name in ("a", "b")
        for code in ("bad_packet", "keep_alive", "bad_packet")
    ]
    assert [found is not None for found in told] == [True, True, False] * 2


def test_what_is_remembered_is_bounded() -> None:
    cuts, house = CutStreams(Clock()), House()
    for number in range(MOST + 10):
        assert cuts.rejection(house.device(f"d{number}"), "bad_packet", "", 1) is not None
    assert len(cuts._told) == MOST
