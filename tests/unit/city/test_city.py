"""The whole city on paper: the same seed says the same, and nothing is out of order but what the script breaks."""

import itertools
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from city import doors, faults, feeds, plan
from city.faults import SCRIPT, Fault, Kind
from schemas.result import VERDICT_WORDS, Verdict

START = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
SEEDS = range(1, 7)
DWELL_S = 10.0


def run_of(seed: int, with_faults: bool = True, repeats: bool = False) -> feeds.Run:
    city = plan.build(seed)
    name = feeds.name_of(START)
    return feeds.Run(city, plan.Schedule(city, name, with_faults, repeats), START, name)


def messages(
    run: feeds.Run, feed: feeds.Feed, seconds: float
) -> Iterator[tuple[float, feeds.Message | None]]:
    second = feed.first_s
    while second < seconds:
        yield second, feed.message(second)
        second += feed.interval_s


def fault_of(run: feeds.Run, kind: Kind) -> Fault:
    return next(f for f in run.schedule.begun(60) if f.kind is kind)


def feed_of(run: feeds.Run, device: str) -> feeds.Feed:
    return next(f for f in feeds.feeds_of(run) if f.device.id == device)


def bodies(run: feeds.Run, device: str, seconds: float = 60.0) -> list[tuple[float, dict]]:  # type: ignore[type-arg]
    sent = messages(run, feed_of(run, device), seconds)
    return [(second, json.loads(m.payload)) for second, m in sent if m is not None]


def longest_breach(values: list[tuple[float, float]], low: float, high: float) -> float:
    longest, since = 0.0, None
    for second, value in values:
        since = (second if since is None else since) if not low < value <= high else None
        longest = max(longest, 0.0 if since is None else second - since)
    return longest


def test_the_city_has_about_fifty_devices_of_every_kind_and_two_gateways() -> None:
    city = plan.build(1)
    assert 45 <= len(city.devices) <= 60
    assert {d.kind for d in city.devices} == {"probe", "door", "power", "instrument", "camera", "gateway"}
    assert len({d.id for d in city.devices}) == len(city.devices)
    gateways = {d.id for d in city.of_kind("gateway")}
    assert {d.behind for d in city.devices} - {""} == gateways
    assert len(gateways) == 2


def test_the_same_seed_sends_the_same_bytes_and_another_seed_others() -> None:
    def sent(seed: int) -> list[bytes]:
        run = run_of(seed)
        everything = (messages(run, feed, 6.0) for feed in feeds.feeds_of(run))
        return [m.payload for each in everything for _, m in each if m is not None]

    assert sent(3) == sent(3)
    assert sent(3) != sent(4)


@pytest.mark.parametrize("seed", SEEDS)
def test_only_the_room_with_the_dead_compressor_leaves_its_limits(seed: int) -> None:
    run = run_of(seed)
    dead = fault_of(run, Kind.COMPRESSOR_DEAD)
    for feed in feeds.feeds_of(run):
        if not isinstance(feed, feeds.ProbeFeed):
            continue
        low, high = (0.0, 8.0) if feed.device.profile == "demo" else (-99.0, -18.0)
        values = [(s, feed.temperature(s)) for s in range(1, 900, 2)]
        out = [s for s, value in values if not low < value <= high]
        if feed.device.id != dead.device:
            assert not out, feed.device.id
        else:
            assert out[0] + DWELL_S < 50.0
            assert longest_breach([v for v in values if v[0] < 60], low, high) >= DWELL_S


@pytest.mark.parametrize("seed", SEEDS)
def test_only_the_door_left_open_is_open_for_the_dwell(seed: int) -> None:
    run = run_of(seed)
    left = fault_of(run, Kind.DOOR_LEFT_OPEN)
    for door in run.city.of_kind("door"):
        values = [(s, float(body["values"]["open"])) for s, body in bodies(run, door.id, 300.0)]
        dwelt = longest_breach(values, -1.0, 0.5) >= DWELL_S - door.interval_s
        assert dwelt == (door.id == left.device), door.id


def test_doors_are_opened_now_and_then() -> None:
    openings = [doors.opening(5, slot) for slot in range(50)]
    assert all(doors.SHORTEST_S <= ends - begins <= doors.LONGEST_S for begins, ends in openings)
    assert all(
        doors.is_open(5, (begins + ends) / 2) and not doors.is_open(5, ends) for begins, ends in openings
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_every_kind_of_fault_comes_once_on_an_asset_of_its_own(seed: int) -> None:
    run = run_of(seed)
    begun = run.schedule.begun(60.0)
    assert [f.kind for f in begun] == [s.kind for s in SCRIPT]
    assert {f.kind for f in begun} == set(Kind)
    assert len({f.device for f in begun}) == len(begun)


def test_a_city_without_faults_has_none_and_a_repeating_one_plays_them_again_elsewhere() -> None:
    assert run_of(1, with_faults=False).schedule.begun(10_000.0) == ()
    rounds = run_of(1, repeats=True).schedule.begun(plan.ROUND_S + 60.0)
    assert len(rounds) == 2 * len(SCRIPT)
    assert {f.device for f in rounds[: len(SCRIPT)]} != {f.device for f in rounds[len(SCRIPT) :]}
    assert len(run_of(1).schedule.begun(plan.ROUND_S + 60.0)) == len(SCRIPT)


def test_the_silent_probe_sends_nothing_meanwhile_and_the_same_as_ever_afterwards() -> None:
    run, calm = run_of(2), run_of(2, with_faults=False)
    fault = fault_of(run, Kind.PROBE_SILENT)
    heard = [second for second, _ in bodies(run, fault.device)]
    assert heard
    assert not [s for s in heard if fault.active(s)]
    spoken = {s: body["values"] for s, body in bodies(run, fault.device)}
    healthy = {s: body["values"] for s, body in bodies(calm, fault.device)}
    assert spoken == {s: values for s, values in healthy.items() if not fault.active(s)}


def test_the_wrong_clock_is_ahead_and_comes_right_again() -> None:
    run = run_of(2)
    fault = fault_of(run, Kind.CLOCK_WRONG)
    for second, body in bodies(run, fault.device):
        ahead = datetime.fromisoformat(body["at"]) - (START + timedelta(seconds=second))
        assert (ahead > timedelta(hours=1)) == fault.active(second)


def test_the_bad_payload_holds_text_for_numbers() -> None:
    run = run_of(2)
    fault = fault_of(run, Kind.BAD_PAYLOAD)
    for second, body in bodies(run, fault.device):
        assert isinstance(body["values"]["temperature"], str) == fault.active(second)


@pytest.mark.parametrize("seed", SEEDS)
def test_one_result_is_positive_and_it_is_the_labelled_one(seed: int) -> None:
    run = run_of(seed)
    results = [
        (f"{feed.device.id}/{body['number']}", VERDICT_WORDS[body["verdict"]])
        for feed in feeds.feeds_of(run)
        if feed.device.kind == "instrument"
        for _, m in messages(run, feed, 60.0)
        if m is not None
        for body in [json.loads(m.payload)]
    ]
    assert len({subject for subject, _ in results}) == len(results) > 20
    failed = [subject for subject, verdict in results if verdict is not Verdict.NEGATIVE]
    assert failed == [fault_of(run, Kind.POSITIVE_TEST).subject]


def test_the_frozen_camera_repeats_one_picture_and_the_others_never_do() -> None:
    run = run_of(2)
    fault = fault_of(run, Kind.CAMERA_FROZEN)
    for feed in feeds.feeds_of(run):
        if feed.device.kind != "camera":
            continue
        sent = [(s, m.payload, m.topic) for s, m in messages(run, feed, 24.0) if m is not None]
        repeated = [s for (_, before, _), (s, after, _) in itertools.pairwise(sent) if before == after]
        assert bool(repeated) == (feed.device.id == fault.device)
        assert all(fault.active(s) for s in repeated)
        assert len({topic for *_, topic in sent}) == len(sent)


def test_labels_say_device_rule_subject_and_wall_times_of_what_had_begun() -> None:
    run = run_of(2)
    fault = fault_of(run, Kind.BAD_PAYLOAD)
    found = faults.labels(run.schedule.begun(20.0), START, 20.0)
    assert next(label for label in found if label["fault"] == "bad_payload") == {
        "fault": "bad_payload",
        "device": fault.device,
        "rule": "refused",
        "subject": fault.device,
        "start_at": "2026-11-23T10:00:14.000Z",
        "end_at": "2026-11-23T10:00:20.000Z",
    }
    assert {label["fault"] for label in found} == {k.value for k in Kind}


def test_labels_leave_out_what_had_not_begun() -> None:
    run = run_of(2)
    found = faults.labels(run.schedule.begun(60.0), START, 9.0)
    assert [label["fault"] for label in found] == ["compressor_dead", "door_left_open", "camera_frozen"]
