"""Marks values that come again and again with fresh times: a gateway that repeats what it read from a sensor long ago.

A living body does not keep several vitals bit-equal for minutes. Two things look like it and are not: coarse numbers (a paced,
ventilated patient has the same pulse and breathing for hours), so one finely resolved vital must be among them; and a calm minute
(the longest run of equal packs in BIDMC is 105 s, 27 people at 1 Hz), so it must last. A vital that was not among the values and
comes after that time has been measured meanwhile: no repeat begins with a pressure that nobody had sent before.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from ingest.batch import Columns, Pack
from vigil.domain.quality import Quality
from vigil.domain.times import MINUTE
from vigil.domain.vitals import BY_NAME
from vigil.wire.packs import PackValues

#: How long nothing may change before it is a repeat, and how often a vital must come meanwhile to count. Ours.
LEAST_TIME, LEAST_TIMES = 5 * MINUTE, 10
#: So many vitals must be equal. Ours.
LEAST_VITALS = 3

#: What says nothing of the body at this moment: a gateway reads its own, or they stand still by themselves.
_ASIDE = frozenset(BY_NAME[name].index for name in ("battery_level", "rssi", "body_weight", "steps"))
#: Never still in a living body, where the value has this many steps of its resolution (ours): a cold finger may stay at 0.1 %.
_FINE = {BY_NAME[name].index: 10 * 10.0 ** -BY_NAME[name].digits for name in ("perfusion_index", "hrv_rmssd")}


@dataclass(slots=True)
class _Held:
    """What a device says without a change ``since`` a time of receipt. ``newest``: its device time. ``first``: the pack that it
    began with, until the next one shows whether anything stood still; then values, and how often each came, by (vital, site)."""

    since: int
    newest: int
    first: PackValues | None
    values: dict[tuple[int, str], float] = field(default_factory=dict)
    times: Counter[tuple[int, str]] = field(default_factory=Counter)

    def begin(self, received: int, read: PackValues) -> None:
        self.since, self.first = received, read
        self.values.clear()
        self.times.clear()

    def takes(self, received: int, read: PackValues) -> bool:
        """False when something changed, came without a value, or is new after ``LEAST_TIME``."""
        first = self.first
        if first is not None:
            # Nearly always something changed, and this alone says so.
            if read.value != first.value and read.vital == first.vital and _ASIDE.isdisjoint(read.vital):
                return False
            self.first = None
            if not self._add(self.since, first):
                return False
        return self._add(received, read)

    def _add(self, received: int, read: PackValues) -> bool:
        old = received - self.since >= LEAST_TIME
        for vital, site, value in zip(read.vital, read.site, read.value, strict=True):
            if vital in _ASIDE:
                continue
            key = vital, site
            if self.values.get(key, value) != value or (old and key not in self.values):
                return False
            self.values[key] = value
            self.times[key] += 1
        return True

    def is_repeat(self, received: int) -> bool:
        if received - self.since < LEAST_TIME:
            return False
        often = [key for key, times in self.times.items() if times >= LEAST_TIMES]
        fine = any(self.values[key] >= _FINE.get(key[0], math.inf) for key in often)
        return fine and len({vital for vital, _ in often}) >= LEAST_VITALS


class Repeats:
    """One entry a device, in memory: after a restart of the core a repeat is found ``LEAST_TIME`` later."""

    def __init__(self) -> None:
        self._held: dict[str, _Held] = {}

    def mark(self, packs: list[Pack], columns: Columns) -> int:
        """Looks at live packs in their order; returns how many were marked."""
        stale = [place for place, pack in enumerate(packs) if pack.accepted and pack.values.vital and self._stale(pack)]
        if stale:
            columns.quality[np.isin(columns.pack, stale)] |= np.uint16(Quality.REPEATED)
        return len(stale)

    def _stale(self, pack: Pack) -> bool:
        if not pack.message.topic.endswith("/vitals"):
            return False
        received, newest = pack.message.received_at, max(pack.values.time_us)
        held = self._held.get(pack.device_id)
        if held is None:
            self._held[pack.device_id] = _Held(received, newest, pack.values)
            return False
        if newest <= held.newest:
            return False  # an older pack that comes late: no fresh time
        held.newest = newest
        if not held.takes(received, pack.values):
            held.begin(received, pack.values)
        return held.is_repeat(received)
