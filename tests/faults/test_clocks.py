"""A gateway whose clock is an hour ahead, 90 s behind, or stepped: it is told once, and no device pays for it.

Beside it stands a gateway with a true clock and a device that dies, which must become silent in time. In `make faults`
each fault has its own run too, with half a minute at each clock; in `make test` all stand beside one another for
seconds.
"""

import itertools
import json
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import pytest

from stack.supervisor import Supervisor
from tests.faults import checker
from tests.faults.conftest import Target
from tests.faults.wrong_clock import WrongClock
from tests.length import LONG
from tests.mqtt_client import RawClient, publish
from tests.waiting import until

pytestmark = pytest.mark.long

INTERVAL_S = 2
ROUNDS = 30 if LONG else 6
"""How often everybody speaks under each clock, once a second: long enough to be missed twice."""
IN_TIME_S = 2 * INTERVAL_S + 6
CLOCKS = {"ahead": (3600,), "behind": (-90,), "stepped": (0, 3600, -90) if LONG else (0, 3600)}
"""By fault, how many seconds the gateway is off: from its start, and then stepped to."""
RUNS = [tuple(CLOCKS), *((name,) for name in CLOCKS if LONG)]


@dataclass
class Speaker:
    """A device and its connection."""

    device: str
    client: RawClient
    seq: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def speak(self) -> None:
        """Sends a reading of now and waits until it is accepted."""
        seq = next(self.seq)
        reading = {"at": time.time_ns() // 1_000_000, "seq": seq, "values": {"temperature": 4.0}}
        topic = f"cw/v1/target/{self.device}/telemetry"
        self.client.send(publish(4, topic, json.dumps(reading).encode(), seq))
        assert self.client.read()[:1] == b"\x40", f"{self.device}: no PUBACK"


class Told:
    """What has been found since this was made."""

    def __init__(self, target: Target) -> None:
        self._url = target.reader_url
        self._before = {row[0] for row in checker.findings_with_ids(self._url)}

    def of(self, rule: str) -> list[checker.Found]:
        return [row for row in self._new() if row[2] == rule]

    def others(self) -> list[checker.Found]:
        return [row for row in self._new() if row[2] not in ("silence", "gateway_clock")]

    def _new(self) -> list[checker.Found]:
        return sorted(row for row in checker.findings_with_ids(self._url) if row[0] not in self._before)


@dataclass
class Scene:
    """Gateways with wrong clocks by fault, a device behind each, and two behind the true one, of which one will die."""

    gateways: dict[str, WrongClock]
    living: list[Speaker]
    dying: Speaker

    def silent(self, told: Told) -> list[str]:
        """Of ours; those of a run before are silent by now."""
        ours = {self.dying.device, *(speaker.device for speaker in self.living)}
        return [row[1] for row in told.of("silence") if row[1] in ours]

    def all_speak(self) -> None:
        for speaker in self.living:
            speaker.speak()

    def rounds(self, number: int) -> None:
        said = itertools.count(1)
        until(lambda: self.all_speak() or next(said) >= number, 10.0 * number, 1.0)

    def set(self, number: int) -> None:
        """Every gateway's clock to its fault's step of that number, or to its last one."""
        for fault, gateway in self.gateways.items():
            gateway.set(CLOCKS[fault][min(number, len(CLOCKS[fault]) - 1)])

    def put_right(self) -> None:
        for gateway in self.gateways.values():
            gateway.set(0)


@contextmanager
def scene(target: Target, faults: tuple[str, ...]) -> Iterator[Scene]:
    name = "-".join(faults)
    with ExitStack() as stack:
        settings, supervisor = target.stack.settings, Supervisor(target.stack.settings.home / "logs")
        gateways = {
            fault: WrongClock(settings, f"clock-{name}-{fault}", CLOCKS[fault][0]) for fault in faults
        }
        if len(RUNS) > 1:
            stack.callback(forgotten, target)
        stack.callback(supervisor.stop)
        supervisor.launch(list(gateways.values()))

        def speaker(device: str, port: int) -> Speaker:
            token = target.enrol(device, INTERVAL_S)
            client = stack.enter_context(RawClient(port, 30.0))
            assert client.sign_in(4, device, token)[3:] == b"\x00"
            return Speaker(device, client)

        _host, true = target.address
        living = [speaker(f"{name}-on-{fault}", gateway.port) for fault, gateway in gateways.items()]
        living.append(speaker(f"{name}-alive", true))
        yield Scene(gateways, living, speaker(f"{name}-dead", true))


def forgotten(target: Target) -> None:
    """Waits until stream time goes on without the gateways that have just ended.

    It stands still for some seconds before, and all deadlines are put off then: no ground for the next run to stand on.
    """
    ended = time.time()

    def goes_on() -> bool:
        with checker.asking(target.reader_url) as cursor:
            cursor.execute("select extract(epoch from min(stream_at))::float8 from v_stream")
            return bool(cursor.fetchone()[0] > ended + 2)

    until(goes_on, 60, 0.5)


@pytest.mark.parametrize("faults", RUNS, ids="+".join)
def test_a_wrong_clock_is_told_once_and_neither_makes_nor_hides_a_silence(
    target: Target, faults: tuple[str, ...]
) -> None:
    told = Told(target)
    with scene(target, faults) as it:
        it.dying.speak()
        it.rounds(2)
        for number in range(1, max(2, *(len(CLOCKS[fault]) for fault in faults))):
            it.set(number)
            it.rounds(ROUNDS)
            until(lambda: it.all_speak() or it.silent(told), IN_TIME_S, 1.0)
        assert it.silent(told) == [it.dying.device]
        wrong = [row[1] for row in told.of("gateway_clock")]
        assert len(set(wrong)) == len(wrong) == len(faults)
        it.put_right()
        until(lambda: it.all_speak() or all(row[4] for row in told.of("gateway_clock")), 30, 1.0)
        it.rounds(ROUNDS)
    assert it.silent(told) == [it.dying.device]
    assert [row[1] for row in told.of("gateway_clock")] == wrong
    assert told.others() == []
    received = received_of(target, [it.dying.device, *(speaker.device for speaker in it.living)])
    assert {device for device, (marked, _off_s) in received.items() if marked} == {
        f"{'-'.join(faults)}-on-{fault}" for fault in faults
    }
    assert max(off_s for _marked, off_s in received.values()) < 30


def received_of(target: Target, devices: list[str]) -> dict[str, tuple[bool, float]]:
    """By device: whether Kafka's time stands for the gateway's, and how far the received time is from the measured."""
    with checker.asking(target.reader_url) as cursor:
        cursor.execute(
            "select device, bool_or(received_by_record), max(abs(extract(epoch from received_at - at)))::float8"
            " from v_reading where device = any(%s) group by device",
            (devices,),
        )
        return {device: (marked, off_s) for device, marked, off_s in cursor.fetchall()}
