"""How long the valid values of each slot have been missing, for all slots at once; missing data and coverage read it.

Thresholds (ours, need clinical sign-off): the longer of 60 s and 2 expected intervals, and of 300 s and 4 intervals.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from analytics.slots import Slots
from vigil.domain.readings import I64
from vigil.domain.times import SECOND
from vigil.domain.vitals import BY_NAME, VITALS

#: The vitals that a person is watched by, as far as his sensors measure them.
WATCHED_VITALS = ("heart_rate", "spo2", "resp_rate", "bp_sys", "body_temp")
#: By vital index: is it one of them?
_WATCHED = np.zeros(len(VITALS), np.bool_)
_WATCHED[[BY_NAME[name].index for name in WATCHED_VITALS]] = True

LOW_AT_LEAST, LOW_INTERVALS = 60 * SECOND, 2
MEDIUM_AT_LEAST, MEDIUM_INTERVALS = 300 * SECOND, 4

#: Whose monitoring was never paused.
NOBODY: Mapping[str, int] = MappingProxyType({})

#: For so long after the start a sensor that sends old valid values is not silent: what the broker kept comes in (ours).
BACKLOG = 600 * SECOND


def low_after(interval: int) -> int:
    """Silence in microseconds after which data count as missing.

    >>> low_after(1 * SECOND) // SECOND, low_after(900 * SECOND) // SECOND
    (60, 1800)
    """
    return max(LOW_AT_LEAST, LOW_INTERVALS * interval)


def medium_after(interval: int) -> int:
    return max(MEDIUM_AT_LEAST, MEDIUM_INTERVALS * interval)


@dataclass(frozen=True, slots=True)
class Freshness:
    """By slot. ``expected``: worn now and due to send a watched vital. ``last``: what missing data are counted from (the
    newest valid value on server time, but not before the platform itself was live or a pause was over). ``level`` 0, 1, 2
    after that. ``fresh``: a valid value no older than the first threshold, whatever the platform did. ``seen``: values of any
    quality come."""

    expected: NDArray[np.bool_]
    last: I64
    level: NDArray[np.int8]
    fresh: NDArray[np.bool_]
    seen: NDArray[np.bool_]

    @property
    def code(self) -> NDArray[np.int8]:
        """One number a slot that changes whenever something about it does."""
        code = self.level + 4 * self.fresh + 8 * self.seen + 16 * self.expected
        result: NDArray[np.int8] = code.astype(np.int8)
        return result


def _heard(slots: Slots) -> I64:
    """When each slot last had a valid value, on server time: its receipt when it was not stale then (a slow device clock is
    not silence), else its measured time (old values are no news of now)."""
    measured, received = slots.valid_at[: slots.size], slots.valid_received[: slots.size]
    result: I64 = np.where(received - measured <= slots.stale[: slots.size], received, measured)
    return result


def look(slots: Slots, now: int, live_since: int, resumed: Mapping[str, int] = NOBODY) -> Freshness:
    """``resumed``: when the patient's last pause ended, by patient."""
    size = slots.size
    interval = slots.interval[:size]
    low = np.maximum(LOW_AT_LEAST, LOW_INTERVALS * interval)
    medium = np.maximum(MEDIUM_AT_LEAST, MEDIUM_INTERVALS * interval)
    worn = (slots.start[:size] <= now) & (now < slots.end[:size])
    expected = worn & (interval > 0) & _WATCHED[slots.vital[:size]]
    # While nothing valid has come the count starts with the slot's first reading.
    heard = _heard(slots)
    begun = np.where(heard > 0, heard, slots.first_received[:size])
    if now - live_since < BACKLOG:
        begun = np.maximum(begun, slots.valid_received[:size])
    last = np.maximum(begun, live_since)
    for patient_id, at in resumed.items():
        if at > live_since:
            own = slots.of(patient_id)
            last[own] = np.maximum(last[own], at)
    silent = now - last
    level = np.where(expected, (silent > low).astype(np.int8) + (silent > medium), 0).astype(np.int8)
    fresh = expected & (now - heard <= low)
    seen = expected & (now - slots.seen_at[:size] <= low)
    return Freshness(expected, last, level, fresh, seen)
