"""Readings of many streams in random order, as a ward sends them: what every contestant of the bench is given."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vigil.domain.quality import Quality
from vigil.domain.readings import F64, I64, U16
from vigil.domain.times import MINUTE
from vigil.domain.vitals import BY_NAME, VitalKind

#: Stream n is one of these, in turn: mean and spread at rest (reference page "Physiology", section 1, rounded), and what differs
#: from one minute to the next whatever came before (section 7: e_HR, the fast terms of RR and S; that of pressure and temperature
#: is ours). Without it rounded values would stand still for half an hour, as no person's do.
_AT_REST = {
    "heart_rate": (72.0, 6.0, 1.4),
    "spo2": (96.5, 0.8, 0.45),
    "resp_rate": (15.0, 1.5, 1.2),
    "bp_sys": (125.0, 8.0, 3.0),
    "body_temp": (36.8, 0.25, 0.05),
}
KINDS: tuple[VitalKind, ...] = tuple(BY_NAME[name] for name in _AT_REST)
#: Streams this far apart belong to people alike: the memory of one may be copied to the other. A multiple of the vitals.
ALIKE = 1000
#: Correlation of a value with the one a minute before, and how far people differ, in their own spread.
_MEMORY, _BETWEEN = 0.98, 1.0
#: Shares of odd readings, together 1 %: marked as motion, marked as low perfusion, a spike of that many spreads.
_MOTION, _WEAK, _SPIKES, _SPIKE = 0.006, 0.003, 0.001, 6.0


@dataclass(frozen=True, slots=True)
class Readings:
    """Columns of ``analytics.engine.engine.Engine.update``; ascending in time over all streams."""

    slot: I64
    at: I64
    value: F64
    quality: U16

    #: Bytes of one reading in these columns.
    WIDTH = 8 + 8 + 8 + 2

    def __len__(self) -> int:
        return int(self.slot.size)

    def part(self, start: int, stop: int) -> Readings:
        cut = slice(start, stop)
        return Readings(self.slot[cut], self.at[cut], self.value[cut], self.quality[cut])

    def batches(self, size: int) -> Iterator[Readings]:
        for start in range(0, len(self), size):
            yield self.part(start, start + size)


class Feed:
    """An endless recording: each stream says one value a minute, the streams of a minute in an order drawn anew."""

    def __init__(self, streams: int, start: int, seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        self._at = start
        place = np.arange(streams) % ALIKE
        mean, spread, self._jitter = np.array(list(_AT_REST.values()))[place % len(KINDS)].T
        person = np.random.default_rng(0).standard_normal(ALIKE)[place]
        self._mean, self._spread = mean + _BETWEEN * spread * person, spread
        self._digits = 10.0 ** np.array([kind.digits for kind in KINDS])[place % len(KINDS)]
        self._most = np.array([kind.reject[1] for kind in KINDS], np.float64)[place % len(KINDS)]
        self._state = self._rng.standard_normal(streams)
        self._left = Readings(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0), np.empty(0, np.uint16))

    def take(self, readings: int) -> Readings:
        found, size = [self._left], len(self._left)
        while size < readings:
            found.append(self._minute())
            size += len(found[-1])
        whole = Readings(*(np.concatenate([getattr(each, name) for each in found]) for name in Readings.__slots__))
        self._left = whole.part(readings, size)
        return whole.part(0, readings)

    def _minute(self) -> Readings:
        size = self._state.size
        self._state *= _MEMORY
        self._state += np.sqrt(1 - _MEMORY**2) * self._rng.standard_normal(size)
        lot = self._rng.random(size)
        quality = np.zeros(size, np.uint16)
        quality[lot < _MOTION] = Quality.MOTION
        quality[(lot >= _MOTION) & (lot < _MOTION + _WEAK)] = Quality.LOW_PERFUSION
        spike = np.where(lot >= 1 - _SPIKES, _SPIKE, 0.0)
        exact = self._mean + self._spread * (self._state + spike) + self._jitter * self._rng.standard_normal(size)
        value = np.round(exact * self._digits) / self._digits
        np.minimum(value, self._most, out=value)
        order = self._rng.permutation(size)
        at = self._at + np.arange(size) * MINUTE // size
        self._at += MINUTE
        return Readings(order, at, value[order], quality[order])


def vital_of(streams: int) -> NDArray[np.int64]:
    """Place in ``KINDS`` of each stream."""
    return np.arange(streams) % len(KINDS)
