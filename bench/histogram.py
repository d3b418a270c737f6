"""Quantiles out of a service's /metrics, by linear interpolation inside the bucket."""

import urllib.request
from collections.abc import Iterable

from prometheus_client.parser import text_string_to_metric_families

Buckets = dict[float, float]
"""Upper bound -> cumulative count."""


def scrape(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        return str(answer.read().decode())


def buckets(text: str, name: str) -> Buckets:
    """The cumulative buckets of a histogram, summed over its labels. Raises KeyError when it is not there."""
    found: Buckets = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == f"{name}_bucket":
                bound = float(sample.labels["le"])
                found[bound] = found.get(bound, 0.0) + sample.value
    if not found:
        raise KeyError(name)
    return found


def difference(after: Buckets, before: Buckets) -> Buckets:
    return {bound: count - before.get(bound, 0.0) for bound, count in after.items()}


def quantile(of: Buckets, q: float) -> float:
    """The q-quantile; the lowest bound of the last bucket when it falls into the open one."""
    bounds = sorted(of)
    rank = q * of[bounds[-1]]
    lower_bound = lower_count = 0.0
    for bound in bounds:
        if of[bound] >= rank:
            if bound == float("inf"):
                return lower_bound
            inside = of[bound] - lower_count
            share = (rank - lower_count) / inside if inside else 1.0
            return lower_bound + (bound - lower_bound) * share
        lower_bound, lower_count = bound, of[bound]
    return lower_bound


def percentile(values: Iterable[float], q: float) -> float:
    """The q-quantile of plain values, nearest rank; 0.0 of none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(q * len(ordered)))] if ordered else 0.0
