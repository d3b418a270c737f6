"""Who may come in: decided from the registry's cache, asked anew of the database for who is unknown. Edge.

What cannot be decided is "server unavailable", never "not authorised". A device has one connection: the newest.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from ingest.mqtt import codes
from ingest.mqtt.codes import Code
from ingest.mqtt.connection import SIGNING_IN
from ingest.mqtt.session import State
from ingest.registry import RegistryCache
from schemas.registry import Device

if TYPE_CHECKING:
    from ingest.mqtt.connection import Connection


class SignIn:
    """`look_up` asks the registry's database anew; `known` says whether its answers can be trusted now."""

    def __init__(
        self,
        registry: RegistryCache,
        look_up: Callable[[], Awaitable[bool]] | None = None,
        known: Callable[[], bool] = lambda: True,
    ) -> None:
        self._registry = registry
        self.look_up = look_up
        self.known = known
        self._signed_in: dict[str, Connection] = {}
        self._asking: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._signed_in)

    def decide(self, connection: "Connection", username: str, password: bytes) -> None:
        """On a CONNECT: at once when the cache knows the device."""
        if (device := self._authenticated(username, password)) is not None:
            self._accept(connection, device)
        elif self._registry.find(username) is None and self.look_up is not None:
            connection.hold(SIGNING_IN)
            task = asyncio.get_running_loop().create_task(self._ask(connection, username, password))
            self._asking.add(task)
            task.add_done_callback(self._asking.discard)
        else:
            self._decline(connection, username)

    async def _ask(self, connection: "Connection", username: str, password: bytes) -> None:
        assert self.look_up is not None
        await self.look_up()
        if connection.session.state is not State.CHECKING:
            return
        if (device := self._authenticated(username, password)) is not None:
            self._accept(connection, device)
        else:
            self._decline(connection, username)

    def _authenticated(self, username: str, password: bytes) -> Device | None:
        try:
            return self._registry.authenticate(username, password.decode())
        except UnicodeDecodeError:
            return None

    def _decline(self, connection: "Connection", username: str) -> None:
        device = self._registry.find(username)
        if not self.known():
            refusal = codes.UNAVAILABLE
        elif device is None:
            refusal = codes.UNKNOWN_DEVICE
        else:
            refusal = codes.BAD_TOKEN if device.retired_us is None else codes.RETIRED_DEVICE
        connection.refuse(refusal, username)

    def _accept(self, connection: "Connection", device: Device) -> None:
        before = self._signed_in.get(device.id)
        if before is not None:
            before.leave(
                Code.SESSION_TAKEN_OVER, "同一设备在别处登录 / the same device has signed in elsewhere"
            )
        self._signed_in[device.id] = connection
        connection.accept(device)

    def leave(self, connection: "Connection") -> None:
        """The connection is gone; a newer one of the same device stays."""
        device = connection.session.device
        if device is not None and self._signed_in.get(device.id) is connection:
            del self._signed_in[device.id]

    def review(self, ids: set[str]) -> None:
        """These devices have changed: a retired one, or one with a new token, is cut."""
        for device_id in ids:
            connection = self._signed_in.get(device_id)
            if connection is None or connection.session.device is None:
                continue
            device = self._registry.find(device_id)
            if device is None or device.retired_us is not None:
                connection.leave(Code.ADMINISTRATIVE_ACTION, "设备已停用 / the device is retired")
            elif device.token_sha256 != connection.session.device.token_sha256:
                connection.leave(Code.NOT_AUTHORIZED, "令牌已更换 / the token was replaced")
            else:
                connection.session.device = device
