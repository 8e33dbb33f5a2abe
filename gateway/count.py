"""The counters of stage 2."""

from __future__ import annotations

from vigil.runtime.metrics import Metrics


class Counts:
    """``lines`` by outcome: accepted, repeated, bad, foreign (a device not ours), full (no room), failed (the disk)."""

    def __init__(self, metrics: Metrics) -> None:
        self.lines = metrics.counter("gateway_lines_total", "Lines from sensors by outcome", ["outcome"])
        self.sent = metrics.counter("gateway_packs_sent_total", "Packs published for the first time")
        self.resent = metrics.counter("gateway_packs_resent_total", "Packs published again, unacknowledged")
        self.pruned = metrics.counter("gateway_packs_pruned_total", "Packs deleted because the platform has them")
        self.gone = metrics.counter(
            "gateway_packs_gone_total", "Packs that the platform asked for and that were here no more"
        )
        self.dropped = metrics.counter("gateway_packs_dropped_total", "Packs given up, by reason", ["reason"])
        self.rescues = metrics.counter("gateway_spool_rescues_total", "Damaged spools that were replaced")
        self.waiting = metrics.gauge("gateway_spool_packs", "Packs on disk, not acknowledged")
        self.bytes = metrics.gauge("gateway_spool_bytes", "Room that the waiting packs take, about")
        self.connected = metrics.gauge("gateway_broker_connected", "1 while connected to the broker")

    def spool(self, packs: int, size: int) -> None:
        """What waits now: ``packs`` of together ``size`` bytes."""
        self.waiting.set(packs)
        self.bytes.set(size)
