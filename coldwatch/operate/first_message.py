"""What the owner of a new device is handed: where to publish, and a line to paste that sends a first message."""

import json
import shlex
from typing import Final

import msgspec

from ingest.kinds import KINDS
from schemas.device_topics import TELEMETRY, topic_of
from schemas.registry import Device

NOW_MS: Final = "$(date +%s)000"
"""Epoch milliseconds as any shell says them, so that the line is still right when it is pasted an hour later."""
GATEWAY_TOKEN: Final = "$GATEWAY_TOKEN"
A_DEVICE: Final = "DEVICE"


class FirstMessage(msgspec.Struct, frozen=True):
    """topic: what the device publishes on (a gateway: with DEVICE for one behind it). command: for a shell."""

    topic: str
    command: str


def first_message(device: Device, token: str, host: str, port: int) -> FirstMessage:
    """`token` "" for a device behind a gateway: the line then signs in as the gateway, whose token its owner has."""
    kind = KINDS[device.kind]
    named = A_DEVICE if not kind.channels else device.id
    topic = topic_of(device.enterprise, named, kind.channels[0] if kind.channels else TELEMETRY)
    user, password = (device.id, shlex.quote(token)) if token else (device.behind, f'"{GATEWAY_TOKEN}"')
    command = (
        f"mosquitto_pub -V mqttv5 -h {shlex.quote(host)} -p {port or 'PORT'} -u {user} -P {password} -q 1"
        f" -t {topic} {_payload(device.kind)}"
    )
    return FirstMessage(topic, command)


def _payload(kind: str) -> str:
    if kind == "camera":
        return "-f frame.jpg"
    sample = KINDS[kind].sample or KINDS["probe"].sample
    rest = json.dumps(sample, ensure_ascii=False).removeprefix("{")
    return f"""-m '{{"at": '{NOW_MS}', {rest}'"""
