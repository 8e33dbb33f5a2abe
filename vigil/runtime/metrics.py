"""Counters and gauges of one process. Names: ``<stage>_<noun>_<unit>_total``; no label ever holds a patient or a device."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

#: Seconds; from a local commit to a congested broker.
LATENCY_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0)


_M = TypeVar("_M", Counter, Gauge)


class Metrics:
    """A registry that is handed to each stage, so that two cores in one test process do not share counts.

    Asking again for the same name gives the same metric.
    """

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._known: dict[str, Counter | Gauge | Histogram] = {}

    def counter(self, name: str, text: str, labels: Iterable[str] = ()) -> Counter:
        return self._made(Counter, name, text, labels)

    def gauge(self, name: str, text: str, labels: Iterable[str] = ()) -> Gauge:
        return self._made(Gauge, name, text, labels)

    def histogram(self, name: str, text: str) -> Histogram:
        if name not in self._known:
            self._known[name] = Histogram(name, text, registry=self._registry, buckets=LATENCY_BUCKETS)
        found = self._known[name]
        assert isinstance(found, Histogram)
        return found

    def _made(self, kind: type[_M], name: str, text: str, labels: Iterable[str]) -> _M:
        if name not in self._known:
            self._known[name] = kind(name, text, tuple(labels), registry=self._registry)
        found = self._known[name]
        assert isinstance(found, kind)
        return found

    def text(self) -> bytes:
        """Prometheus text format."""
        return generate_latest(self._registry)
