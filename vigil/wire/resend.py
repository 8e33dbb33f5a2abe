"""The rules of every sender that must not lose a pack: when it is sent again, when it may go, how many are under way.

Contract page "Telemetry contract", section 8: a sender re-sends an unacknowledged pack after 30 s, backing off to 10 min, and
deletes only what ``cmd/ack`` covers. Pure: the sender brings its own clock reading, in any unit as long as it is seconds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vigil.domain.readings import NO_SEQUENCE
from vigil.wire.packs import Ack

#: The channel of ``vigil.wire.topics`` for values that may still raise an alarm in time, and the one for history.
LIVE, HISTORY = "vitals", "backfill"
#: At the broker a live pack is worth this long (MQTT 5 only; the page allows 300 to 3600 s). Dropped ones are sent again.
LIVE_EXPIRY_S = 3600


@dataclass(frozen=True, slots=True)
class ResendRule:
    """``first_s`` after the first sending, doubling to ``longest_s``.

    ``window``: only that many of a device's oldest unacknowledged packs are under way (ours). An acknowledgement covers a
    run without gaps, so the oldest must always be allowed to go: a limit on the mere number under way could fill up with
    younger packs, whose acknowledgement waits for an older one that is then never sent.
    """

    first_s: float = 30.0
    longest_s: float = 600.0
    window: int = 256

    def delay_s(self, attempts: int) -> float:
        """Seconds from the ``attempts``-th sending to the next.

        >>> [ResendRule().delay_s(attempts) for attempts in (1, 2, 5, 6, 1_000_000)]
        [30.0, 60.0, 480.0, 600.0, 600.0]
        """
        return min(self.first_s * 2.0 ** min(max(attempts - 1, 0), 32), self.longest_s)

    def is_due(self, due_at_s: float, now_s: float) -> bool:
        """Also true when it would be due later than any delay allows: the clock was set back meanwhile."""
        return due_at_s <= now_s or due_at_s > now_s + self.longest_s

    def in_window(self, seq: int, oldest: int) -> bool:
        """``oldest``: the lowest unacknowledged number of the same device and epoch."""
        return seq < oldest + self.window


def covers(ack: Ack, epoch: int, seq: int) -> bool:
    """Whether the pack is stored, or kept as a dead letter.

    >>> covers(Ack(7, 3), 7, 3), covers(Ack(7, 3), 7, 4), covers(Ack(7, 3), 8, 0)
    (True, False, False)
    """
    return ack.epoch == epoch and seq <= ack.seq


def new_epoch(rng: np.random.Generator, now_us: int) -> int:
    """A u32 for numbers that start again at 0.

    The time goes in because a simulator may be given the same seed at each start: an epoch that came again would make the
    platform take new packs for changed copies of old ones. Two starts differ unless they are a multiple of 49.7 days apart.
    """
    return (int(rng.integers(NO_SEQUENCE)) + now_us // 1000) % NO_SEQUENCE
