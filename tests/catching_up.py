"""A gateway fetches the registry's changes once a second; a test that cannot wait makes it ask now."""

from tests.gateways import RunningGateway
from tests.mqtt_client import RawClient

NOBODY = "nobody-at-all"


def catch_up(gateway: RunningGateway) -> None:
    """Returns when the gateway knows everything that was committed before: an unknown name makes it look again."""
    with RawClient(gateway.port) as stranger:
        stranger.sign_in(5, NOBODY, "no token")
