"""The bench's devices: gateways with probes behind them, enrolled in the registry, their tokens in one plan."""

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from ingest.onboarding import Enrolment
from ingest.registry import Enrolled

if TYPE_CHECKING:
    from ingest.registry import Registry

ENTERPRISE = "bench"


class Gateway(msgspec.Struct, frozen=True):
    """One connection: its id, its token, the devices it speaks for."""

    id: str
    token: str
    devices: tuple[str, ...]


class Fleet(msgspec.Struct, frozen=True):
    """What `bench.load` connects as. `out_of_range` names the devices whose values break their limit."""

    enterprise: str
    gateways: tuple[Gateway, ...]
    out_of_range: frozenset[str]

    def save(self, path: Path) -> None:
        """Readable by the owner alone: it holds tokens."""
        path.touch(mode=0o600)
        path.write_bytes(msgspec.json.encode(self))


def load(path: Path) -> Fleet:
    return msgspec.json.decode(path.read_bytes(), type=Fleet)


def enrol(
    registry: "Registry",
    connections: int,
    devices: int,
    *,
    profile: str = "chilled",
    interval_us: int = 60_000_000,
    out_of_range_share: float = 0.01,
) -> Fleet:
    """Enrols `connections` gateways and spreads `devices` probes evenly behind them.

    Raises ValueError with the registry's own words when it refuses one.
    """
    gateways = [f"gw-{number:05d}" for number in range(connections)]
    probes = [f"dev-{number:06d}" for number in range(devices)]
    wishes = [Enrolment(id=name, kind="gateway", enterprise=ENTERPRISE, site="s1") for name in gateways]
    wishes += [
        Enrolment(
            id=name,
            kind="probe",
            enterprise=ENTERPRISE,
            site="s1",
            behind=gateways[number % connections],
            interval_us=interval_us,
            profile=profile,
        )
        for number, name in enumerate(probes)
    ]
    tokens = {}
    for answer in registry.enrol_many(wishes):
        if not isinstance(answer, Enrolled):
            raise ValueError(answer.sentence())
        tokens[answer.device.id] = answer.token
    every = round(1 / out_of_range_share) if out_of_range_share else 0
    return Fleet(
        ENTERPRISE,
        tuple(
            Gateway(name, tokens[name], tuple(probes[number::connections]))
            for number, name in enumerate(gateways)
        ),
        frozenset(probes[::every] if every else ()),
    )
