"""What devices read on their `errors` topic: why a message was refused. QoS 0. Edge.

Told to whoever listens; when nobody does, held for a minute for the next one. A client that takes no packet as long as
the sentences is told the code and the path alone.
"""

from collections import OrderedDict, deque
from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple, Protocol

import msgspec

from ingest.mqtt.session import Session, may_read
from schemas.device_topics import ERRORS, topic_of
from schemas.registry import Device
from schemas.rejection import Rejection, notice_of

HELD_S = 60.0
HELD_TOPICS = 1_000
HELD_EACH = 8
"""What is held for topics without a listener: the newest of each, of the topics that were told last."""

_encode = msgspec.json.Encoder().encode


class Listener(Protocol):
    """What notices ask of a connection that may listen; its session knows to what."""

    session: Session

    def notify(self, topic: str, payload: bytes) -> bool: ...


class Forms(NamedTuple):
    """A notice in full, and as short as it can be."""

    full: bytes
    short: bytes

    def send(self, listener: Listener, topic: str) -> bool:
        """In full where the listener takes it; False when it takes neither."""
        return listener.notify(topic, self.full) or listener.notify(topic, self.short)


class Notices:
    """Who listens to which topic. `find` looks a device up, `dropped` hears of each notice that was not taken."""

    def __init__(
        self, find: Callable[[str], Device | None], dropped: Callable[[], None], now_s: Callable[[], float]
    ) -> None:
        self._find = find
        self._dropped = dropped
        self._now_s = now_s
        self._listeners: dict[str, set[Listener]] = {}
        self._held: OrderedDict[str, deque[tuple[float, Forms]]] = OrderedDict()

    def permits(self, device: Device, topic: str) -> bool:
        return may_read(device, topic, self._find)

    def update(self, listener: Listener, topics: tuple[str, ...]) -> None:
        """The listener has subscribed to these, or given them up: its session says which."""
        for topic in topics:
            if topic in listener.session.subscriptions:
                self._listeners.setdefault(topic, set()).add(listener)
                self._hand_over(listener, topic)
            else:
                self._remove(listener, topic)

    def leave(self, listener: Listener) -> None:
        for topic in listener.session.subscriptions:
            self._remove(listener, topic)

    def review(self, listener: Listener) -> None:
        """A device may have been moved to another gateway: its errors are no longer this one's to read."""
        session = listener.session
        device = session.device
        for topic in [t for t in session.subscriptions if device is None or not self.permits(device, t)]:
            session.subscriptions.discard(topic)
            self._remove(listener, topic)

    def tell(self, rejection: Rejection) -> None:
        """Sends the reason to whoever listens to the errors of the device it falls on, now or within a minute."""
        device = self._find(rejection.device)
        if device is None:
            return
        topic = topic_of(device.enterprise, device.id, ERRORS)
        at = datetime.fromtimestamp(rejection.received_us / 1e6, UTC).isoformat().replace("+00:00", "Z")
        notice = Forms(
            _encode(notice_of(rejection, at)), _encode({"code": rejection.code, "path": rejection.path})
        )
        listeners = self._listeners.get(topic)
        told = [notice.send(listener, topic) for listener in listeners or ()]
        if not any(told):
            self._hold(topic, notice)
        for _ in range(told.count(False)):
            self._dropped()

    def _hold(self, topic: str, payload: Forms) -> None:
        held = self._held.setdefault(topic, deque(maxlen=HELD_EACH))
        held.append((self._now_s() + HELD_S, payload))
        self._held.move_to_end(topic)
        if len(self._held) > HELD_TOPICS:
            self._held.popitem(last=False)

    def _hand_over(self, listener: Listener, topic: str) -> None:
        now_s = self._now_s()
        held = self._held.pop(topic, ())
        left = [(until_s, notice) for until_s, notice in held if until_s > now_s]
        left = [(until_s, notice) for until_s, notice in left if not notice.send(listener, topic)]
        if left:
            self._held[topic] = deque(left, maxlen=HELD_EACH)

    def _remove(self, listener: Listener, topic: str) -> None:
        listeners = self._listeners.get(topic)
        if listeners is not None:
            listeners.discard(listener)
            if not listeners:
                del self._listeners[topic]
