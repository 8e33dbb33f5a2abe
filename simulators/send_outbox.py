"""What one device has said and the platform has not acknowledged yet: numbered packs, kept in memory until ``cmd/ack``."""

from __future__ import annotations

from dataclasses import dataclass

from simulators.packs import Pack
from vigil.wire import packs as wire
from vigil.wire.packs import Ack
from vigil.wire.resend import HISTORY, LIVE, ResendRule, covers


@dataclass(slots=True)
class Counts:
    """Of one device. ``packs_sent`` and ``values_sent`` count what was handed over, once, however often it travelled;
    ``resent`` counts further sendings of a pack."""

    packs_sent: int = 0
    values_sent: int = 0
    packs_acked: int = 0
    resent: int = 0


@dataclass(slots=True)
class Waiting:
    """``due_s``: monotonic seconds; 0 = at once. ``copies``: how often it goes out at a time, more than once by a fault."""

    seq: int
    channel: str
    payload: bytes
    attempts: int = 0
    due_s: float = 0.0
    copies: int = 1


class Outbox:
    """``epoch`` belongs to this start of the device; seq counts from 0."""

    def __init__(self, device_id: str, epoch: int, rule: ResendRule, *, cbor: bool) -> None:
        self.counts = Counts()
        self._device_id = device_id
        self._epoch = epoch
        self._rule = rule
        self._cbor = cbor
        self._next_seq = 0
        self._packs: dict[int, Waiting] = {}

    def __len__(self) -> int:
        return len(self._packs)

    def add(self, pack: Pack) -> None:
        payload = wire.write(self._device_id, self._epoch, self._next_seq, pack.records, cbor=self._cbor)
        channel = HISTORY if pack.backfill else LIVE
        self._packs[self._next_seq] = Waiting(self._next_seq, channel, payload, copies=pack.copies)
        self._next_seq += 1
        self.counts.packs_sent += 1
        self.counts.values_sent += len(pack.records)

    def due(self, now_s: float) -> list[Waiting]:
        """Oldest first, inside the window."""
        return [waiting for waiting in self._window() if self._rule.is_due(waiting.due_s, now_s)]

    def note_sent(self, waiting: Waiting, now_s: float) -> None:
        waiting.attempts += 1
        waiting.due_s = now_s + self._rule.delay_s(waiting.attempts)
        self.counts.resent += waiting.copies - (waiting.attempts == 1)

    def next_due_s(self) -> float | None:
        """None when nothing waits."""
        return min((waiting.due_s for waiting in self._window()), default=None)

    def all_due(self) -> None:
        """After a reconnect: nobody knows what the old connection still delivered. The back-off starts anew."""
        for waiting in self._packs.values():
            waiting.due_s, waiting.attempts = 0.0, min(waiting.attempts, 1)

    def acknowledge(self, ack: Ack) -> int:
        """Forgets what the platform has; returns how many packs that were."""
        done = [seq for seq in self._packs if covers(ack, self._epoch, seq)]
        for seq in done:
            del self._packs[seq]
        self.counts.packs_acked += len(done)
        return len(done)

    def _window(self) -> list[Waiting]:
        oldest = next(iter(self._packs), 0)
        found = []
        for seq, waiting in self._packs.items():  # in order of seq, because that is the order of adding
            if not self._rule.in_window(seq, oldest):
                break
            found.append(waiting)
        return found
