"""What the city sends, through the real admission and the real judge: sound but for what the script makes wrong."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from city import feeds, plan
from city.faults import Kind
from ingest.admission import Admitted, admit, resolve
from ingest.kinds import KINDS
from ingest.routing import Route
from processors.judge.engine import judge
from processors.judge.judged import Judged
from processors.judge.registry_view import RegistryView
from processors.judge.state import PartitionState
from schemas.finding import Change, Finding
from schemas.profile import Profile
from schemas.reading import clock_line, decode_lines
from schemas.registry import Device, Point
from schemas.topics import READINGS

START = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)


def registered(city: plan.City) -> dict[str, Device]:
    numbers = count(1)
    return {device.id: _registered(device, numbers) for device in city.devices}


def _registered(device: plan.Device, numbers: Iterator[int]) -> Device:
    points = tuple(
        Point(
            id=next(numbers),
            device=device.id,
            metric=metric.name,
            unit=metric.unit,
            possible_low=metric.possible_low,
            possible_high=metric.possible_high,
        )
        for metric in KINDS[device.kind].metrics
    )
    return Device(
        id=device.id,
        kind=device.kind,
        enterprise=device.place.enterprise[0],
        site=device.place.site[0],
        interval_us=int(device.interval_s * 1_000_000),
        profile=device.profile,
        behind=device.behind,
        points=points,
    )


@pytest.mark.parametrize("seed", [1, 2])
def test_the_front_door_refuses_exactly_the_scripted_messages(seed: int) -> None:
    city = plan.build(seed)
    name = feeds.name_of(START)
    run = feeds.Run(city, plan.Schedule(city, name), START, name)
    devices = registered(city)
    refused: Counter[tuple[str, str]] = Counter()
    admitted: Counter[str] = Counter()
    for feed in feeds.feeds_of(run):
        second = feed.first_s
        while second < 40.0:
            message = feed.message(second)
            if message is not None:
                found = received(devices, message, run.at(second))
                refused.update((message.device, r.code) for r, _ in found.rejections)
                admitted.update({feed.device.kind: found.count + bool(found.frame) + bool(found.result)})
            second += feed.interval_s
    fault = {f.kind: f for f in run.schedule.begun(40.0)}
    assert set(refused) == {
        (fault[Kind.BAD_PAYLOAD].device, "not_a_number"),
        (fault[Kind.CLOCK_WRONG].device, "clock"),
    }
    assert all(admitted[kind] > 0 for kind in ("probe", "door", "power", "camera", "instrument"))


def received(devices: dict[str, Device], message: feeds.Message, at: datetime) -> Admitted:
    route = resolve(devices[message.publisher], message.topic, devices.get)
    assert isinstance(route, Route), route
    return admit(route, message.payload, round(at.timestamp() * 1_000_000) + 20_000)


DWELL_US = 10_000_000
PROFILES = [
    Profile(
        name="demo", version=1, metric="temperature", low=0, high=8, low_inclusive=False, dwell_us=DWELL_US
    ),
    Profile(
        name="demo", version=1, metric="open", high=0.5, dwell_us=DWELL_US, hysteresis=0, hysteresis_samples=1
    ),
    Profile(name="demo", version=1, metric="*", refused_quiet_us=10_000_000),
    Profile(name="demo-frozen", version=1, metric="temperature", high=-18, dwell_us=DWELL_US),
    Profile(name="demo-frozen", version=1, metric="*", refused_quiet_us=10_000_000),
]
JUDGED_HERE = {
    Kind.COMPRESSOR_DEAD,
    Kind.DOOR_LEFT_OPEN,
    Kind.PROBE_SILENT,
    Kind.BAD_PAYLOAD,
    Kind.CLOCK_WRONG,
}


@dataclass(frozen=True)
class Arrival:
    """A message with the second at which it reaches the front door."""

    second: float
    message: feeds.Message


def arrivals(run: feeds.Run, seconds: float, delay_s: float) -> list[Arrival]:
    """All telemetry in the order of arrival; delays up to `delay_s`, as a busy machine would make them."""
    found = []
    for feed in feeds.feeds_of(run):
        if feed.device.kind not in ("probe", "door"):
            continue
        chance = run.city.chance(feed.device.id, "delay")
        second, free_s = feed.first_s, 0.0
        while second < seconds:
            message = feed.message(second)
            free_s = max(free_s, second + float(chance.uniform(0.0, delay_s)))
            if message is not None:
                found.append(Arrival(free_s, message))
            second += feed.interval_s
    return sorted(found, key=lambda arrival: arrival.second)


@pytest.mark.parametrize("seed", [1, 2, 3, 4, 7, 11])
@pytest.mark.parametrize("delay_s", [0.0, 1.5])
def test_the_judge_finds_the_scripted_faults_within_a_minute_and_nothing_else(
    seed: int, delay_s: float
) -> None:
    run = run_of(seed)
    findings = judged_findings(run, 60.0, delay_s)
    opened = {(f.rule, f.subject) for f in findings if f.change is Change.OPENED}
    assert opened == {(f.rule, f.subject) for f in run.schedule.begun(60) if f.kind in JUDGED_HERE}
    assert len({f.id for f in findings}) == len(JUDGED_HERE)


def test_a_city_that_goes_on_has_each_round_of_faults_once_and_nothing_between() -> None:
    run, seconds = run_of(7, repeats=True), plan.ROUND_S + 60.0
    findings = judged_findings(run, seconds, 0.5)
    opened = Counter((f.rule, f.subject) for f in findings if f.change is Change.OPENED)
    begun = run.schedule.begun(seconds)
    assert opened == Counter((f.rule, f.subject) for f in begun if f.kind in JUDGED_HERE)
    closed = [f for f in findings if f.change is Change.CLOSED]
    assert len(closed) >= len(JUDGED_HERE)


def run_of(seed: int, repeats: bool = False) -> feeds.Run:
    city, name = plan.build(seed), feeds.name_of(START)
    return feeds.Run(city, plan.Schedule(city, name, repeats=repeats), START, name)


def judged_findings(run: feeds.Run, seconds: float, delay_s: float) -> list[Finding]:
    """What the judge says of the city's telemetry, with a clock line a second in every partition."""
    devices = registered(run.city)
    book = RegistryView(devices.values(), PROFILES)
    states = [PartitionState() for _ in range(READINGS.partitions)]
    judged = Judged()
    second = 0
    for arrival in arrivals(run, seconds, delay_s):
        while second <= arrival.second:
            now_us = round((START + timedelta(seconds=second)).timestamp() * 1_000_000)
            for state in states:
                judge(state, decode_lines(clock_line(now_us, "run")), book, judged)
            second += 1
        found = received(devices, arrival.message, run.at(arrival.second))
        judge(states[found.partition], decode_lines(found.lines), book, judged)
    return judged.findings
