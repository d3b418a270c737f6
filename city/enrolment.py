"""Puts the city into the registry and keeps its devices' tokens: what is there stays, what is missing is added."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from city.plan import City, Device
from coldwatch.wiring.files import write_atomically
from ingest.onboarding import Enrolment, Problem
from ingest.registry import Enrolled as Registered
from ingest.registry import Registry
from schemas.errors import Permanent


@dataclass(frozen=True)
class Enrolled:
    """Tokens of the devices that sign in themselves, by id. `new`: how many devices were not registered before."""

    tokens: Mapping[str, str]
    new: int


def wish(device: Device) -> Enrolment:
    """The device as it wants to be registered."""
    place = device.place
    return Enrolment(
        id=device.id,
        kind=device.kind,
        enterprise=place.enterprise[0],
        enterprise_name=place.enterprise[1],
        site=place.site[0],
        site_name=place.site[1],
        asset=device.asset[0],
        asset_name=device.asset[1],
        county=place.county[0],
        county_name=place.county[1],
        behind=device.behind,
        interval_us=round(device.interval_s * 1_000_000),
        profile=device.profile,
    )


def enrol(city: City, registry: Registry, path: Path) -> Enrolled:
    """Registers what is missing. `path` keeps the tokens (0600); a device whose token is lost gets a new one.

    Raises Permanent when the registry has such an id for something else, Temporary when it cannot be reached.
    """
    known: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    registered = {listed.device.id for listed in registry.list_devices()}
    missing = [device for device in city.devices if device.id not in registered]
    tokens = {device: token for device, token in known.items() if device in registered}
    for answer in registry.enrol_many([wish(device) for device in missing]) if missing else ():
        tokens |= _token_of(answer)
    for device in city.devices:
        if not device.behind and device.id not in tokens:
            tokens |= _token_of(registry.rotate(device.id))
    if tokens != known:
        write_atomically(path, json.dumps(tokens, indent=1).encode(), mode=0o600)
    return Enrolled(tokens, len(missing))


def _token_of(answer: Registered | Problem) -> dict[str, str]:
    if isinstance(answer, Problem):
        raise Permanent(f"模拟设备不能登记 / a simulated device cannot be registered: {answer.sentence()}")
    return {answer.device.id: answer.token} if answer.token else {}
