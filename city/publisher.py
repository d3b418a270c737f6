"""The city's devices on the wire: one real MQTT connection for each that signs in, QoS 1, as a sound device sends.

A device keeps what is not acknowledged and sends it again after a cut; its memory is bounded. Half of them speak MQTT
3.1.1 and half MQTT 5, as in any city.
"""

import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.reasoncodes import ReasonCode

from city.feeds import Message
from city.plan import City
from schemas.errors import Temporary

KEEPALIVE_S = 30
OUTBOX = 1000
"""Messages that a device keeps while the front door is away; beyond it new ones are lost and counted as such."""


@dataclass
class Counts:
    """What became of the city's messages; `unanswered` wait for their PUBACK."""

    published: int = 0
    acknowledged: int = 0
    refused: int = 0
    lost: int = 0
    notices: int = 0
    reconnects: int = 0

    @property
    def unanswered(self) -> int:
        return self.published - self.acknowledged

    def as_dict(self) -> dict[str, int]:
        return {**asdict(self), "unanswered": self.unanswered}


class Publisher:
    """All connections of a city. Building it opens none."""

    def __init__(self, city: City, tokens: Mapping[str, str], host: str, port: int) -> None:
        self._host, self._port = host, port
        self._changed = threading.Condition()
        self._counts = Counts()
        self._up: set[str] = set()
        self._problems: dict[str, str] = {}
        signing_in = [d for d in city.devices if not d.behind]
        self._clients = {
            d.id: self._client(d.id, tokens[d.id], number) for number, d in enumerate(signing_in)
        }
        self._errors = {d.id: d.topic("errors") for d in signing_in}

    def _client(self, device: str, token: str, number: int) -> mqtt.Client:
        version = MQTTProtocolVersion.MQTTv5 if number % 2 else MQTTProtocolVersion.MQTTv311
        client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=device, protocol=version)
        client.username_pw_set(device, token)
        client.max_queued_messages_set(OUTBOX)
        client.max_inflight_messages_set(100)
        client.reconnect_delay_set(1, 5)
        client.user_data_set(device)
        client.on_connect = self._connected
        client.on_disconnect = self._disconnected
        client.on_publish = self._answered
        client.on_message = self._notified
        return client

    # ------------------------------------------------------------------ from the simulation's thread

    def connect(self, limit_s: float = 30.0) -> None:
        """Signs all devices in; returns when every one is connected.

        Raises Temporary, naming some that could not, when that takes longer than `limit_s`.
        """
        for client in self._clients.values():
            client.connect_async(self._host, self._port, KEEPALIVE_S)
            client.loop_start()
        with self._changed:
            if self._changed.wait_for(lambda: len(self._up) == len(self._clients), limit_s):
                return
            missing = sorted(set(self._clients) - self._up)
        reasons = "; ".join(f"{d}: {self._problems.get(d, 'no answer')}" for d in missing[:3])
        raise Temporary(
            f"{len(missing)} 台设备连不上 {self._host}:{self._port} / "
            f"{len(missing)} devices cannot connect: {reasons}"
        )

    def publish(self, message: Message) -> None:
        """Hands a message to its connection; returns at once. A full outbox loses it, which is counted."""
        info = self._clients[message.publisher].publish(message.topic, message.payload, qos=1)
        with self._changed:
            if info.rc == MQTTErrorCode.MQTT_ERR_QUEUE_SIZE:
                self._counts.lost += 1
            else:
                self._counts.published += 1

    def counts(self) -> Counts:
        with self._changed:
            return Counts(**asdict(self._counts))

    def finish(self, limit_s: float = 10.0) -> Counts:
        """Waits until everything published is acknowledged (or the limit is over), then signs all devices out."""
        with self._changed:
            self._changed.wait_for(lambda: self._counts.unanswered <= 0, limit_s)
        for client in self._clients.values():
            client.disconnect()
        for client in self._clients.values():
            client.loop_stop()
        return self.counts()

    # ------------------------------------------------------------------ from paho's threads

    def _connected(
        self, client: mqtt.Client, device: str, _flags: object, code: ReasonCode, _properties: object
    ) -> None:
        with self._changed:
            if code.is_failure:
                self._problems[device] = str(code)
            else:
                self._counts.reconnects += device in self._problems
                self._up.add(device)
            self._changed.notify_all()
        if not code.is_failure:
            client.subscribe(self._errors[device], qos=0)

    def _disconnected(
        self, _client: mqtt.Client, device: str, _flags: object, code: ReasonCode, _properties: object
    ) -> None:
        with self._changed:
            self._problems[device] = str(code)
            self._up.discard(device)

    def _answered(
        self, _client: mqtt.Client, _device: str, _mid: int, code: ReasonCode, _properties: object
    ) -> None:
        with self._changed:
            self._counts.acknowledged += 1
            self._counts.refused += code.is_failure
            self._changed.notify_all()

    def _notified(self, _client: mqtt.Client, _device: str, _message: mqtt.MQTTMessage) -> None:
        with self._changed:
            self._counts.notices += 1
