"""The broker for sites that keep one: a message goes through it."""

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from tests.waiting import until


def test_a_message_goes_through_the_broker(mosquitto: tuple[str, int]) -> None:
    got: list[bytes] = []
    client = Client(CallbackAPIVersion.VERSION2)
    client.on_connect = lambda *_: client.subscribe("kitchen/+", qos=1)
    client.on_subscribe = lambda *_: client.publish("kitchen/1", b"4.1", qos=1)
    client.on_message = lambda _client, _data, message: got.append(message.payload)
    client.connect(*mosquitto)
    client.loop_start()
    until(lambda: got == [b"4.1"], 20)
    client.disconnect()
    client.loop_stop()
