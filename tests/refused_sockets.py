"""The one warning that is forgiven, and only where a Kafka is taken away.

kafka-python (3.0.12, `kafka.net.inet.KafkaNetSocket.sock_connect`) raises when a connection is refused and leaves the
socket open to the garbage collector, which may run in any later test. A module that takes a Kafka away under such a
client says `pytestmark = refused_sockets.FORGIVEN`: that very socket (TCP, bound to no address) is forgiven there, and
what is left is collected before the module ends, so that no other test is blamed.
"""

import pytest

FORGIVEN = [
    pytest.mark.filterwarnings(
        r"ignore:Exception ignored in. <socket\.socket .*proto=6, laddr=\('0\.0\.0\.0', \d+\)>"
        ":pytest.PytestUnraisableExceptionWarning"
    ),
    pytest.mark.usefixtures("sockets_collected"),
]
