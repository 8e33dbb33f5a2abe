"""The counters of stage 3."""

from __future__ import annotations

from ingest.batch import Pack
from vigil.runtime.metrics import Metrics


class Counts:
    def __init__(self, metrics: Metrics) -> None:
        self._messages = metrics.counter("ingest_messages_total", "Messages read from the broker")
        self._stored = metrics.counter("ingest_values_stored_total", "Values committed to the store")
        self._refused_packs = metrics.counter("ingest_packs_refused_total", "Messages refused whole", ["reason"])
        self._refused_values = metrics.counter("ingest_values_refused_total", "Single values refused", ["reason"])
        self._duplicate_packs = metrics.counter(
            "ingest_packs_duplicate_total", "Packs dropped because they were stored before"
        )
        self._duplicate_values = metrics.counter(
            "ingest_values_duplicate_total", "Values dropped because they were stored before"
        )
        self.unbound = metrics.counter("ingest_values_unbound_total", "Values stored while nobody wore the device")
        self.backfills = metrics.counter("ingest_backfills_asked_total", "Ranges of packs asked for on cmd/backfill")
        self.never_sent = metrics.counter(
            "ingest_packs_never_sent_total", "Packs that were passed over: see never_sent"
        )
        self.dropped = metrics.counter(
            "ingest_messages_dropped_total", "Messages dropped before they were read: too fast, or no room", ["why"]
        )
        self.dropped_for_good = metrics.counter(
            "ingest_messages_dropped_unkept_total", "Of these, without epoch and seq, and not kept as a dead letter"
        )
        self.commit_seconds = metrics.histogram("ingest_commit_seconds", "One micro-batch from decode to commit")
        self.queue = metrics.gauge("ingest_queue_messages", "Messages waiting in memory")

    def add(self, packs: list[Pack], stored: int, duplicate_values: int) -> None:
        self._messages.inc(len(packs))
        self._stored.inc(stored)
        self._duplicate_values.inc(duplicate_values)
        for pack in packs:
            if pack.duplicate:
                self._duplicate_packs.inc()
            elif pack.refusal is not None:
                self._refused_packs.labels(pack.refusal.value).inc()
            elif pack.values.refused:
                for item in pack.values.refused:
                    self._refused_values.labels(item["reason"]).inc()
