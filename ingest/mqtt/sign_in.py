"""Who may come in: decided from the registry's cache, asked anew of the database for who is unknown. Edge.

What cannot be decided is "server unavailable", never "not authorised". A device may be connected several times, by
client ids of its own (a technician's mosquitto_sub beside the box itself): the same client id takes over, and of more
than EACH the oldest goes.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

from ingest.mqtt import codes
from ingest.mqtt.codes import Code, SignInRefusal
from ingest.mqtt.holds import SIGNING_IN
from ingest.mqtt.session import Session, State
from ingest.registry import RegistryCache
from schemas.registry import Device

EACH: Final = 4
"""Connections that a device may have at once."""
SAME_CLIENT_ID: Final = (
    "同一客户端标识在别处登录；两台机器请用不同的标识 / "
    "the same client id has signed in elsewhere: give each box its own"
)
TOO_MANY: Final = (
    f"同一设备最多 {EACH} 个连接，最早的让出 / a device has {EACH} connections at most, the oldest goes"
)


class Applicant(Protocol):
    """What sign-in asks of a connection that wants in."""

    session: Session

    def accept(self, device: Device) -> None: ...
    def refuse(self, refusal: SignInRefusal, username: str) -> None: ...
    def leave(self, code: Code, sentence: str = "") -> None: ...
    def hold(self, why: int) -> None: ...


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
        self._signed_in: dict[str, list[Applicant]] = {}
        self._asking: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        """Devices that are signed in."""
        return len(self._signed_in)

    def decide(self, applicant: Applicant, username: str, password: bytes) -> None:
        """On a CONNECT: at once when the cache knows device and token. Else the database is asked once more, since
        the device may have been enrolled, or its token replaced, a moment ago.
        """
        if (device := self._authenticated(username, password)) is not None:
            self._accept(applicant, device)
        elif not self.known():
            applicant.refuse(codes.UNAVAILABLE, username)
        elif self.look_up is None:
            applicant.refuse(self._refusal(username), username)
        else:
            applicant.hold(SIGNING_IN)
            task = asyncio.get_running_loop().create_task(self._ask(applicant, username, password))
            self._asking.add(task)
            task.add_done_callback(self._asking.discard)

    async def _ask(self, applicant: Applicant, username: str, password: bytes) -> None:
        assert self.look_up is not None
        answered = await self.look_up()
        if applicant.session.state is not State.CHECKING:
            return
        if (device := self._authenticated(username, password)) is not None:
            self._accept(applicant, device)
        else:
            applicant.refuse(self._refusal(username) if answered else codes.UNAVAILABLE, username)

    def _authenticated(self, username: str, password: bytes) -> Device | None:
        try:
            return self._registry.authenticate(username, password.decode())
        except UnicodeDecodeError:
            return None

    def _refusal(self, username: str) -> SignInRefusal:
        device = self._registry.find(username)
        if device is None:
            return codes.UNKNOWN_DEVICE
        return codes.BAD_TOKEN if device.retired_us is None else codes.RETIRED_DEVICE

    def _accept(self, applicant: Applicant, device: Device) -> None:
        others = self._signed_in.setdefault(device.id, [])
        client_id = applicant.session.client_id
        same = [other for other in others if client_id and other.session.client_id == client_id]
        gone = same or others[: max(0, len(others) + 1 - EACH)]
        self._signed_in[device.id] = [*(other for other in others if other not in gone), applicant]
        for other in gone:
            other.leave(Code.SESSION_TAKEN_OVER, SAME_CLIENT_ID if same else TOO_MANY)
        applicant.accept(device)

    def leave(self, applicant: Applicant) -> None:
        """The connection is gone; others of the same device stay."""
        device = applicant.session.device
        if device is None or device.id not in self._signed_in:
            return
        left = [other for other in self._signed_in[device.id] if other is not applicant]
        if left:
            self._signed_in[device.id] = left
        else:
            del self._signed_in[device.id]

    def review(self, ids: set[str]) -> None:
        """These devices have changed: a retired one, or one with a new token, is cut."""
        for device_id in ids:
            for applicant in list(self._signed_in.get(device_id, ())):
                self._review(applicant, self._registry.find(device_id))

    def _review(self, applicant: Applicant, device: Device | None) -> None:
        was = applicant.session.device
        if was is None:
            return
        if device is None or device.retired_us is not None:
            applicant.leave(Code.ADMINISTRATIVE_ACTION, "设备已停用 / the device is retired")
        elif device.token_sha256 != was.token_sha256:
            applicant.leave(Code.NOT_AUTHORIZED, "令牌已更换 / the token was replaced")
        else:
            applicant.session.device = device
