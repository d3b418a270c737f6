"""One pure file per device kind; KINDS is their table."""

from typing import Final

from ingest.kinds._kind import Kind, Metric
from ingest.kinds.camera import CAMERA
from ingest.kinds.door import DOOR
from ingest.kinds.gateway import GATEWAY
from ingest.kinds.instrument import INSTRUMENT
from ingest.kinds.power import POWER
from ingest.kinds.probe import PROBE

__all__ = ["KINDS", "Kind", "Metric"]

KINDS: Final[dict[str, Kind]] = {
    kind.name: kind for kind in (PROBE, DOOR, POWER, INSTRUMENT, CAMERA, GATEWAY)
}
