"""All devices in the gateway's memory, so that signing in works while the database is away."""

import hashlib
import hmac

import msgspec

from schemas.registry import Device


class Changes(msgspec.Struct, frozen=True):
    """Devices changed since some number, retired ones included, complete with their points.

    number: everything up to it is in here or was before; ask for what came since it next time.
    """

    number: int
    devices: tuple[Device, ...]


class RegistryCache:
    """All devices in memory, retired ones included. Used from one thread."""

    def __init__(self) -> None:
        self.number = 0
        self._devices: dict[str, Device] = {}
        self._children: dict[str, set[str]] = {}

    def __len__(self) -> int:
        return len(self._devices)

    def find(self, device_id: str) -> Device | None:
        """The device, a retired one too (see `retired_us`); None when nothing is known of the id."""
        return self._devices.get(device_id)

    def children(self, gateway_id: str) -> list[Device]:
        """The devices registered behind a gateway that are not retired, by id."""
        found = (self._devices[child] for child in sorted(self._children.get(gateway_id, ())))
        return [device for device in found if device.retired_us is None]

    def authenticate(self, device_id: str, token: str) -> Device | None:
        """The device, when it is not retired and this is its token; compared in constant time."""
        device = self._devices.get(device_id)
        expected = device.token_sha256 if device is not None else b""
        right = hmac.compare_digest(token_sha256(token), expected)
        return device if device is not None and right and device.retired_us is None else None

    def apply(self, changes: Changes) -> set[str]:
        """Takes changes in; returns the ids that differ now, retired ones too."""
        changed = {device.id for device in changes.devices if self._put(device)}
        self.number = max(self.number, changes.number)
        return changed

    def _put(self, device: Device) -> bool:
        before = self._devices.get(device.id)
        if before == device:
            return False
        if before is not None and before.behind:
            self._children[before.behind].discard(device.id)
        if device.behind:
            self._children.setdefault(device.behind, set()).add(device.id)
        self._devices[device.id] = device
        return True


def token_sha256(token: str) -> bytes:
    """What is stored of a token; lone surrogates, which a client could send, are hashed like anything else."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
