"""``cmd/ack``: tells a sender up to which pack it may delete its copy. Coalesced to one a second and device."""

from __future__ import annotations

from collections.abc import Callable

from ingest.batch import Pack
from ingest.sequences import Sequences
from vigil.runtime.clock import Clock
from vigil.wire import packs as wire
from vigil.wire import topics

INTERVAL_S = 1.0
#: How long a device whose first pack is not seq 0 is looked at again (see ``sequences.SETTLE_S``).
_PENDING_S = 5.0


class Acknowledger:
    """``publish(topic, payload)`` may lose a message: the sender re-sends, the duplicate makes the acknowledgement come again."""

    def __init__(self, tenant: str, sequences: Sequences, publish: Callable[[str, bytes], None], clock: Clock) -> None:
        self._tenant = tenant
        self._sequences = sequences
        self._publish = publish
        self._clock = clock
        self._due: dict[tuple[str, int], float] = {}
        self._sent_at: dict[str, float] = {}

    def note(self, packs: list[Pack]) -> None:
        """After the commit: these packs, duplicates too, are owed an acknowledgement."""
        now = self._clock.monotonic()
        for pack in packs:
            if pack.values.sequenced and self._sequences.has(pack.device_id, pack.values.epoch, pack.values.seq):
                earliest = self._sent_at.get(pack.device_id, now - INTERVAL_S) + INTERVAL_S
                self._due.setdefault((pack.device_id, pack.values.epoch), earliest)

    def flush(self) -> int:
        """Sends what is due; returns how many."""
        now = self._clock.monotonic()
        ready = [key for key, at in self._due.items() if at <= now]
        sent = 0
        for key in ready:
            device_id, epoch = key
            seq = self._sequences.acknowledged(device_id, epoch, now)
            if seq is None:
                self._due[key] = now + _PENDING_S
                continue
            del self._due[key]
            self._sent_at[device_id] = now
            self._publish(topics.command(self._tenant, device_id, "ack"), wire.write_ack(epoch, seq))
            sent += 1
        return sent
