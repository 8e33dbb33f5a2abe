"""Which packs of a device are stored: interval sets of seq by (device, epoch), exact over all history."""

from __future__ import annotations

import bisect
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray


class SeqSet:
    """Sorted disjoint closed intervals of u32; normally a single one.

    >>> s = SeqSet(); [s.add(n) for n in (0, 1, 3, 1)]
    [True, True, True, False]
    >>> s.run(), 3 in s, 2 in s
    ((0, 1), True, False)
    """

    __slots__ = ("_ends", "_starts")

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
        if seq in self:
            return False
        self.add_range(seq, seq)
        return True

    def add_range(self, first: int, last: int) -> None:
        """All from ``first`` to ``last``, both included."""
        left = bisect.bisect_left(self._ends, first - 1)
        right = bisect.bisect_right(self._starts, last + 1)
        if left < right:
            first, last = min(first, self._starts[left]), max(last, self._ends[right - 1])
        self._starts[left:right] = [first]
        self._ends[left:right] = [last]

    def run(self) -> tuple[int, int] | None:
        """First and last of the lowest run; None when empty."""
        return (self._starts[0], self._ends[0]) if self._starts else None

    def top(self) -> int:
        """The greatest number; -1 when empty."""
        return self._ends[-1] if self._ends else -1

    def missing(self, within: int) -> tuple[int, int] | None:
        """The lowest numbers that lack: from the first missing one to the last missing one fewer than ``within`` numbers on, or
        to the end of that first hole if it is longer. None when nothing lacks below the greatest number.

        >>> s = SeqSet(np.array([0, 1, 4, 6, 300], np.uint32)); s.missing(4), s.missing(256), s.missing(2)
        ((2, 5), (2, 257), (2, 3))
        """
        if not self._starts or (len(self._starts) == 1 and self._starts[0] == 0):
            return None
        place = int(self._starts[0] == 0)
        first = self._ends[0] + 1 if place else 0
        last = self._starts[place] - 1
        limit = first + within - 1
        for before, start in zip(self._ends[place:], self._starts[place + 1 :], strict=False):
            if before >= limit:
                break
            last = max(last, min(start - 1, limit))
        return first, last

    def intervals(self) -> list[tuple[int, int]]:
        return list(zip(self._starts, self._ends, strict=True))


class Sequences:
    """Committed packs of all devices, and numbers passed over. Filled from the store at start, then by each commit.

    A number is *passed over* when its sender had every chance to offer it (see ``gaps``): the acknowledgement goes on, but the
    pack is stored like any other if it comes after all.
    """

    def __init__(
        self,
        history: Iterable[tuple[str, int, NDArray[np.uint32]]] = (),
        passed: Iterable[tuple[str, int, int, int]] = (),
    ) -> None:
        """``history``: (device, epoch, sorted seqs); ``passed``: (device, epoch, first, last)."""
        self._sets: dict[tuple[str, int], SeqSet] = {}
        self._passed: dict[tuple[str, int], SeqSet] = {}
        self._filled: dict[tuple[str, int], int] = {}
        #: The epoch in which a device spoke last; None where its history alone leaves it open.
        self._spoke: dict[str, int | None] = {}
        for device_id, epoch, seqs in history:
            self._sets[device_id, epoch] = SeqSet(seqs)
            self._spoke[device_id] = None if device_id in self._spoke else epoch
        for device_id, epoch, first, last in passed:
            self.pass_over(device_id, epoch, first, last)

    def has(self, device_id: str, epoch: int, seq: int) -> bool:
        """Is it stored, or kept as a dead letter? Not so a number that was only passed over."""
        known = self._sets.get((device_id, epoch))
        return known is not None and seq in known

    def add(self, device_id: str, epoch: int, seq: int) -> None:
        key = (device_id, epoch)
        known = self._sets.get(key)
        if known is None:
            known = self._sets[key] = SeqSet()
        if seq < known.top():
            self._filled[key] = min(seq, self._filled.get(key, seq))
        known.add(seq)
        if key in self._passed:
            self._passed[key].add(seq)

    def take_filled(self) -> dict[tuple[str, int], int]:
        """The lowest number that filled a hole, by (device, epoch), since the last call."""
        filled, self._filled = self._filled, {}
        return filled

    def top(self, device_id: str, epoch: int) -> int:
        """The greatest number; -1 when there is none."""
        known = self._joined(device_id, epoch)
        return -1 if known is None else known.top()

    def spoke(self, device_id: str, epoch: int) -> None:
        self._spoke[device_id] = epoch

    def present_epoch(self, device_id: str) -> int | None:
        """The epoch in which the device spoke last, if that is known."""
        return self._spoke.get(device_id)

    def pass_over(self, device_id: str, epoch: int, first: int, last: int) -> None:
        key = (device_id, epoch)
        if key not in self._passed:
            self._passed[key] = SeqSet()
            for start, end in self._sets.get(key, SeqSet()).intervals():
                self._passed[key].add_range(start, end)
        self._passed[key].add_range(first, last)

    def missing(self, device_id: str, epoch: int, within: int) -> tuple[int, int] | None:
        """The lowest numbers that hold up the acknowledgement, as ``SeqSet.missing``."""
        known = self._joined(device_id, epoch)
        return None if known is None else known.missing(within)

    def lacking(self, device_id: str, epoch: int, first: int, last: int) -> int:
        """How many of these are neither stored nor passed over."""
        known = self._joined(device_id, epoch)
        inside = [] if known is None else known.intervals()
        return last - first + 1 - sum(max(0, min(end, last) - max(start, first) + 1) for start, end in inside)

    def acknowledged(self, device_id: str, epoch: int) -> int | None:
        """The greatest n such that every pack of the epoch up to n is safe or passed over; None when nothing can be said yet."""
        known = self._joined(device_id, epoch)
        run = known.run() if known is not None else None
        return run[1] if run is not None and run[0] == 0 else None

    def _joined(self, device_id: str, epoch: int) -> SeqSet | None:
        key = (device_id, epoch)
        return self._passed.get(key) or self._sets.get(key)
