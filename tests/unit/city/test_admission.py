"""What the city sends goes through the real admission: sound but for what the script makes wrong."""

from collections import Counter
from datetime import UTC, datetime

import pytest

from coldwatch.city import feeds, plan
from coldwatch.city.faults import Kind
from ingest.admission import Admitted, admit, resolve
from ingest.kinds import KINDS
from ingest.routing import Route
from schemas.registry import Device, Point

START = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)


def registered(city: plan.City) -> dict[str, Device]:
    return {device.id: _registered(device) for device in city.devices}


def _registered(device: plan.Device) -> Device:
    points = tuple(
        Point(
            id=number,
            device=device.id,
            metric=metric.name,
            unit=metric.unit,
            possible_low=metric.possible_low,
            possible_high=metric.possible_high,
        )
        for number, metric in enumerate(KINDS[device.kind].metrics, start=1)
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
    assert all(admitted[kind] > 0 for kind in ("probe", "door", "camera", "instrument"))


def received(devices: dict[str, Device], message: feeds.Message, at: datetime) -> Admitted:
    route = resolve(devices[message.publisher], message.topic, devices.get)
    assert isinstance(route, Route), route
    return admit(route, message.payload, round(at.timestamp() * 1_000_000) + 20_000)
