"""The gateway's figures for Prometheus. What is counted on the hot path is a plain integer, read when asked for."""

from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector


class Metrics:
    """Counters by name; `state` gives the gauges and plain counters at the moment of asking."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.refused = Counter(
            "coldwatch_gateway_refused_messages", "Refused messages and values", ["code"], registry=registry
        )
        self.sign_ins = Counter(
            "coldwatch_gateway_refused_connections",
            "Refused sign-ins, cut streams",
            ["code"],
            registry=registry,
        )
        self.kafka_errors = Counter(
            "coldwatch_gateway_kafka_errors", "Failed sends, each tried again", ["error"], registry=registry
        )
        self.confirm_seconds = Histogram(
            "coldwatch_gateway_pack_confirm_seconds",
            "From a pack's leaving to its confirmation",
            buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60),
            registry=registry,
        )
        self.notices_dropped = Counter(
            "coldwatch_gateway_notices_dropped", "Notices that a slow client did not get", registry=registry
        )


class StateCollector(Collector):
    """`gauges` and `counters` return name (without prefix) to value; the names' help texts are fixed here."""

    def __init__(
        self, gauges: Callable[[], dict[str, float]], counters: Callable[[], dict[str, float]]
    ) -> None:
        self._gauges = gauges
        self._counters = counters

    def collect(self) -> Iterable[Metric]:
        for name, value in self._gauges().items():
            yield GaugeMetricFamily(f"coldwatch_gateway_{name}", _HELP[name], value=value)
        for name, value in self._counters().items():
            yield CounterMetricFamily(f"coldwatch_gateway_{name}", _HELP[name], value=value)


_HELP = {
    "connections": "Connections now",
    "signed_in": "Signed-in devices now",
    "buffered_bytes": "Bytes received and not yet confirmed by Kafka",
    "reading_stopped": "1 while no socket is read because the bound is reached",
    "oldest_pack_seconds": "How long the oldest pack has been under way",
    "accepted_values": "Values confirmed by Kafka (refused ones included)",
    "acknowledged_messages": "PUBACKs due",
    "received_bytes": "Bytes of messages received",
    "reading_stops": "How often the bound was reached",
}
