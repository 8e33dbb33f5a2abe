"""Conditions that change without a reading: the data stopped, the device was taken off, the limit was edited.

These belong to the notice log: they depend on server time and on what people did, and are decided from the state as it stands,
so that deciding again after a restart gives the same answer.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from analytics.changes import Change, What
from analytics.limits import (
    DEVICE_UNBOUND,
    HELD,
    HIGH,
    IDLE,
    LIMIT_CHANGED,
    LOW,
    PATIENT_DISCHARGED,
    PENDING,
    TRUE,
    Limits,
)
from vigil.domain.policy import Policy
from vigil.domain.times import SECOND

#: No valid value has come for so long: the backfill, if there was one, is over (ours), microseconds.
QUIET = 10 * SECOND


def lapsed(limits: Limits, now: int, live_since: int) -> list[Change]:
    """What became of conditions whose data stopped, and of those whose binding is over. Silence before ``live_since`` was the
    platform's own and is not counted."""
    changes: list[Change] = []
    for slot in np.flatnonzero(limits.busy()):
        for side in (LOW, HIGH):
            changes += _lapsed_side(limits, int(slot), side, now, live_since)
    return changes


def _lapsed_side(limits: Limits, slot: int, side: int, now: int, live_since: int) -> list[Change]:
    slots = limits.slots
    if slots.end[slot] <= now:
        return _released(limits, slot, side)
    status = limits.status[slot, side]
    stale_at = int(slots.valid_at[slot] + slots.stale[slot])
    quiet = now - max(int(slots.valid_received[slot]), live_since) > QUIET
    stale = now > max(stale_at, live_since + int(slots.stale[slot]))
    if status == HELD and quiet:
        limits.status[slot, side] = TRUE
        return [_change(limits, What.BEGAN, slot, side, due=stale_at)]
    if status == PENDING and quiet and stale:
        limits.status[slot, side], limits.level[slot, side] = TRUE, 1
        return [_change(limits, What.BEGAN, slot, side, due=stale_at)]
    return []


def _released(limits: Limits, slot: int, side: int) -> list[Change]:
    """The person no longer wears this sensor."""
    slots = limits.slots
    status, doubt = limits.status[slot, side], bool(limits.doubt[slot, side])
    reason = DEVICE_UNBOUND if slots.patient[slot] else PATIENT_DISCHARGED
    ended_at = int(slots.valid_at[slot])
    changes = []
    if status == TRUE or doubt:
        changes.append(_change(limits, What.WITHDRAWN, slot, side, reason=reason))
    elif status == HELD and slots.patient[slot]:
        changes.append(_change(limits, What.PASSED, slot, side, ended_at=ended_at))
    _forget(limits, slot, side)
    return changes


def reconfigure(limits: Limits, slot: int, policy: Policy | None) -> list[Change]:
    """Take the limits that hold now; conditions for which the newest value is inside them are withdrawn or dropped."""
    before = (limits.limit[slot].copy(), limits.severe[slot].copy())
    limits.configure(slot, policy)
    if policy is None or not (_differs(before[0], limits.limit[slot]) or _differs(before[1], limits.severe[slot])):
        return []
    value = float(limits.slots.valid_value[slot])
    changes = []
    for side in (LOW, HIGH):
        status, doubt = limits.status[slot, side], bool(limits.doubt[slot, side])
        if status == IDLE and not doubt:
            continue
        edge = limits.limit[slot, side]
        if value < edge if side == LOW else value > edge:
            continue
        if status == TRUE or (doubt and np.isnan(limits.severe[slot, side])):
            changes.append(_change(limits, What.WITHDRAWN, slot, side, reason=LIMIT_CHANGED))
        elif doubt:
            continue
        _forget(limits, slot, side)
    return changes


def _differs(one: NDArray[Any], other: NDArray[Any]) -> bool:
    return not np.array_equal(one, other, equal_nan=True)


def _forget(limits: Limits, slot: int, side: int) -> None:
    limits.status[slot, side], limits.level[slot, side] = IDLE, 0
    limits.doubt[slot, side] = False


def _change(
    limits: Limits, what: What, slot: int, side: int, *, due: int = 0, ended_at: int = 0, reason: str = ""
) -> Change:
    slots = limits.slots
    return Change(
        what=what,
        slot=slot,
        side=side,
        level=int(limits.level[slot, side]),
        ordinal=int(slots.valid_ordinal[slot]),
        measured_at=int(slots.valid_at[slot]),
        received_at=int(slots.valid_received[slot]),
        value=float(slots.valid_value[slot]),
        quality=int(slots.valid_quality[slot]),
        onset_at=int(limits.onset[slot, side]),
        peak=float(limits.peak[slot, side]),
        peak_at=int(limits.peak_at[slot, side]),
        ended_at=ended_at,
        due=due,
        reason=reason,
    )
