"""``cmd/ack``: tells a sender up to which pack it may delete its copy. Coalesced to one a second and device."""

from __future__ import annotations

from collections.abc import Callable

from ingest.batch import Pack
from ingest.sequences import Sequences
from vigil.runtime.clock import Clock
from vigil.wire import packs as wire
from vigil.wire import topics

INTERVAL_S = 1.0


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
        for key in {(pack.device_id, pack.values.epoch) for pack in packs if pack.values.sequenced}:
            self._sequences.spoke(*key)
            self.owe(*key)

    def returned(self, device_id: str) -> None:
        """The device is back: what it was told last may have got lost on the way. Where its history has several epochs and it has
        not spoken since our start, its first pack will say which."""
        epoch = self._sequences.present_epoch(device_id)
        if epoch is not None:
            self.owe(device_id, epoch)

    def owe(self, device_id: str, epoch: int) -> None:
        now = self._clock.monotonic()
        self._due.setdefault((device_id, epoch), self._sent_at.get(device_id, now - INTERVAL_S) + INTERVAL_S)

    def flush(self) -> int:
        """Sends what is due; returns how many. Nothing can be said of an epoch whose first packs lack: see ``gaps``."""
        now = self._clock.monotonic()
        ready = [key for key, at in self._due.items() if at <= now]
        sent = 0
        for key in ready:
            device_id, epoch = key
            if now - self._sent_at.get(device_id, now - INTERVAL_S) < INTERVAL_S:
                continue  # another epoch of it has just had its turn
            del self._due[key]
            seq = self._sequences.acknowledged(device_id, epoch)
            if seq is None:
                continue
            self._sent_at[device_id] = now
            self._publish(topics.command(self._tenant, device_id, "ack"), wire.write_ack(epoch, seq))
            sent += 1
        return sent
