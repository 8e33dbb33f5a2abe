"""Which packs of a device are stored: interval sets of seq by (device, epoch), exact over all history."""

from __future__ import annotations

import bisect
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

#: A run that does not start at seq 0 counts as complete only after the sender had twice its re-send time (30 s) to offer
#: what came before: an acknowledgement covers everything up to its number.
SETTLE_S = 60.0


class SeqSet:
    """Sorted disjoint closed intervals of u32; normally a single one.

    >>> s = SeqSet(); [s.add(n) for n in (0, 1, 3, 1)]
    [True, True, True, False]
    >>> s.run(), 3 in s, 2 in s
    ((0, 1), True, False)
    """

    def __init__(self, seqs: NDArray[np.uint32] | None = None) -> None:
        """``seqs``: what is in it from the start, sorted."""
        self._starts: list[int] = []
        self._ends: list[int] = []
        if seqs is not None and seqs.size:
            breaks = np.flatnonzero(np.diff(seqs) > 1)  # a history of millions has hardly any
            self._starts = [int(seqs[0]), *seqs[breaks + 1].tolist()]
            self._ends = [*seqs[breaks].tolist(), int(seqs[-1])]

    def __contains__(self, seq: int) -> bool:
        place = bisect.bisect_right(self._starts, seq) - 1
        return place >= 0 and seq <= self._ends[place]

    def add(self, seq: int) -> bool:
        """False when it was in already."""
        place = bisect.bisect_right(self._starts, seq) - 1
        if place >= 0 and seq <= self._ends[place]:
            return False
        joins_left = place >= 0 and self._ends[place] == seq - 1
        joins_right = place + 1 < len(self._starts) and self._starts[place + 1] == seq + 1
        if joins_left and joins_right:
            self._ends[place] = self._ends.pop(place + 1)
            del self._starts[place + 1]
        elif joins_left:
            self._ends[place] = seq
        elif joins_right:
            self._starts[place + 1] = seq
        else:
            self._starts.insert(place + 1, seq)
            self._ends.insert(place + 1, seq)
        return True

    def run(self) -> tuple[int, int] | None:
        """First and last of the lowest run; None when empty."""
        return (self._starts[0], self._ends[0]) if self._starts else None

    def intervals(self) -> list[tuple[int, int]]:
        return list(zip(self._starts, self._ends, strict=True))


class Sequences:
    """Committed packs of all devices. Filled from the store at start, then by each commit."""

    def __init__(self, history: Iterable[tuple[str, int, NDArray[np.uint32]]] = ()) -> None:
        self._sets: dict[tuple[str, int], SeqSet] = {}
        self._lowest_since: dict[tuple[str, int], float] = {}
        for device_id, epoch, seqs in history:
            self._sets[device_id, epoch] = SeqSet(seqs)

    def has(self, device_id: str, epoch: int, seq: int) -> bool:
        known = self._sets.get((device_id, epoch))
        return known is not None and seq in known

    def add(self, device_id: str, epoch: int, seq: int, now: float) -> None:
        """``now``: monotonic seconds."""
        key = (device_id, epoch)
        known = self._sets.setdefault(key, SeqSet())
        lowest = known.run()
        known.add(seq)
        if lowest is None or seq < lowest[0]:
            self._lowest_since[key] = now

    def acknowledged(self, device_id: str, epoch: int, now: float) -> int | None:
        """The greatest n such that every pack of the epoch up to n is safe; None when nothing can be said yet."""
        key = (device_id, epoch)
        run = self._sets[key].run() if key in self._sets else None
        if run is None:
            return None
        # After a restart the sender gets the time anew: it may hold a pack that was lost before.
        settled = run[0] == 0 or now - self._lowest_since.setdefault(key, now) >= SETTLE_S
        return run[1] if settled else None
