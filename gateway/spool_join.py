"""When a line joins the pack before it instead of becoming one of its own: history, and live values while nobody takes them."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.decode import NewPack

#: Values in one pack (ours): with every site and quality bit said, less than half of the 64 KiB that a pack may have.
MAX_READINGS = 100
#: A live pack holds lines of so long at most (ours), so that one line that is still fresh makes no old ones look so.
LIVE_SPAN_US = 10 * 1_000_000
#: Nobody has asked for packs for so long: there is no connection (ours; a connected publisher asks at least once a second).
STALLED_S = 2.0


Moment = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Growing:
    """The newest pack of a device as long as it was never sent. ``started_us``: when its first line came; ``base_us``: the
    time of its first value; ``moments``: name and time of each value."""

    epoch: int
    seq: int
    payload: bytes
    backfill: bool
    started_us: int
    base_us: int
    moments: frozenset[Moment]

    def takes(self, pack: NewPack, now_us: int, *, stalled: bool) -> bool:
        """Never two values of one name and time: the platform would refuse the second, and could not tell whose a quality is."""
        if self.backfill != pack.backfill or len(self.moments) + len(pack.samples) > MAX_READINGS:
            return False
        if not pack.backfill and not (stalled and 0 <= now_us - self.started_us < LIVE_SPAN_US):
            return False
        return self.moments.isdisjoint(moments_of(pack))


def moments_of(pack: NewPack) -> frozenset[Moment]:
    return frozenset((sample.name, sample.t_us) for sample in pack.samples)
