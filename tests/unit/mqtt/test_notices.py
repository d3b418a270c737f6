"""Who is told on an `errors` topic: listeners now, else the next one within a minute."""

from typing import cast

import msgspec

from ingest.mqtt.connection import Connection
from ingest.mqtt.notices import HELD_EACH, HELD_S, HELD_TOPICS, Notices
from schemas.registry import Device
from schemas.rejection import Rejection

TOPIC = "cw/v1/e/d-1/errors"


class Listener:
    """What notices need of a connection."""

    class Session:
        def __init__(self, topic: str) -> None:
            self.subscriptions = {topic}

    def __init__(self, topic: str = TOPIC, most_bytes: int = 1_000) -> None:
        self.session = self.Session(topic)
        self.heard: list[str] = []
        self.sentences: list[bool] = []
        self.most_bytes = most_bytes

    def notify(self, topic: str, payload: bytes) -> bool:
        if len(payload) > self.most_bytes:
            return False
        said = msgspec.json.decode(payload)
        self.heard.append(said["path"])
        self.sentences.append("zh" in said)
        return True


def device(name: str) -> Device:
    return Device(id=name, kind="probe", enterprise="e", site="s", interval_us=1, profile="demo")


class Bench:
    def __init__(self) -> None:
        self.now_s = 0.0
        self.dropped = 0
        self.notices = Notices(device, self._drop, lambda: self.now_s)

    def _drop(self) -> None:
        self.dropped += 1

    def refuse(self, path: str, name: str = "d-1") -> None:
        self.notices.tell(Rejection(code="bad_json", path=path, device=name))

    def subscribe(self, topic: str = TOPIC, most_bytes: int = 1_000) -> Listener:
        listener = Listener(topic, most_bytes)
        self.notices.update(cast(Connection, listener), (topic,))
        return listener


def test_a_listener_is_told_at_once_and_nothing_is_held() -> None:
    bench = Bench()
    first = bench.subscribe()
    bench.refuse("$.a")
    assert first.heard == ["$.a"]
    assert bench.subscribe().heard == []


def test_without_a_listener_the_notice_waits_for_the_next_one() -> None:
    bench = Bench()
    bench.refuse("$.a")
    bench.now_s = HELD_S - 1
    assert bench.subscribe().heard == ["$.a"]
    assert bench.subscribe().heard == []


def test_a_notice_is_held_for_a_minute_only() -> None:
    bench = Bench()
    bench.refuse("$.a")
    bench.now_s = HELD_S
    assert bench.subscribe().heard == []


def test_of_one_device_the_newest_notices_are_held_in_order() -> None:
    bench = Bench()
    for number in range(HELD_EACH + 2):
        bench.refuse(f"$.{number}")
    assert bench.subscribe().heard == [f"$.{number}" for number in range(2, HELD_EACH + 2)]


def test_the_devices_told_longest_ago_give_way() -> None:
    bench = Bench()
    for number in range(HELD_TOPICS + 1):
        bench.refuse("$", f"d-{number}")
    assert bench.subscribe("cw/v1/e/d-0/errors").heard == []
    assert bench.subscribe("cw/v1/e/d-1/errors").heard == ["$"]


def test_who_has_left_hears_nothing_and_the_notice_is_held() -> None:
    bench = Bench()
    first = bench.subscribe()
    bench.notices.leave(cast(Connection, first))
    bench.refuse("$.a")
    assert first.heard == []
    assert bench.subscribe().heard == ["$.a"]


def test_a_client_that_takes_small_packets_alone_hears_the_code_and_the_path() -> None:
    bench = Bench()
    bench.refuse("$.a")
    small = bench.subscribe(most_bytes=100)
    bench.refuse("$.b")
    assert (small.heard, small.sentences) == (["$.a", "$.b"], [False, False])


def test_what_a_client_could_not_take_is_kept_for_the_next_one() -> None:
    bench = Bench()
    bench.refuse("$.a")
    assert bench.subscribe(most_bytes=10).heard == []
    assert bench.subscribe().heard == ["$.a"]


def test_what_no_listener_could_take_is_counted_and_kept() -> None:
    bench = Bench()
    deaf = bench.subscribe(most_bytes=10)
    bench.refuse("$.a")
    assert (deaf.heard, bench.dropped) == ([], 1)
    assert bench.subscribe().heard == ["$.a"]
