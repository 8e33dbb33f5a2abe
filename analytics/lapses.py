"""Conditions that change without a reading: the data stopped, the device was taken off, the limit was edited.

These belong to the notice log: they depend on server time and on what people did, and are decided from the state as it stands,
so that deciding again after a restart gives the same answer.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from analytics.changes import Change, What
from analytics.engine.conditions import PENDING
from analytics.engine.profiles import NOBODY
from analytics.limit_alerts import LIMIT, UNVERIFIED
from analytics.state import State
from analytics.telling import Held, Key, Told
from vigil.domain.policy import Policy
from vigil.domain.times import SECOND

#: No valid value has come for so long: the backfill, if there was one, is over (ours), microseconds.
QUIET = 10 * SECOND

LIMIT_CHANGED = "limit changed"
DEVICE_UNBOUND = "device unbound"
PATIENT_DISCHARGED = "patient discharged"
DETECTOR_FAILED = "detector failed"


def lapsed(state: State, now: int, live_since: int) -> list[Change]:
    """What became of conditions whose data stopped, and of those whose binding is over. Silence before ``live_since`` was the
    platform's own and is not counted."""
    telling, limit = state.telling, state.engine.numbers[LIMIT]
    keys: set[Key] = {*telling.told, *telling.held}
    for slot in np.flatnonzero(state.engine.head[: state.slots.size] >= 0).tolist():
        keys |= {(slot, limit, 0), (slot, limit, 1)}
    changes = []
    for key in sorted(keys):
        changes += _released(state, key) if state.slots.end[key[0]] <= now else _lapsed(state, key, now, live_since)
    return changes


def _lapsed(state: State, key: Key, now: int, live_since: int) -> list[Change]:
    slots, telling, (slot, number, side) = state.slots, state.telling, key
    told, held = telling.told.get(key), telling.held.get(key)
    stale_at = int(slots.valid_at[slot] + slots.stale[slot])
    quiet = now - max(int(slots.valid_received[slot]), live_since) > QUIET
    stale = now > max(stale_at, live_since + int(slots.stale[slot]))
    running = state.engine.condition(number, slot)
    if held is not None:
        if not quiet or held.passed:
            return []
        normal_since = 0 if running is None else int(running["normal_since"][side])
        if normal_since:
            telling.held[key] = replace(held, passed=True)
            return [_passed(state, key, held, normal_since)]
        del telling.held[key]
        telling.told[key] = Told(held.level, held.onset)
        return [_change(state, What.BEGAN, key, level=held.level, onset=held.onset, due=stale_at)]
    pending = running is not None and running["status"][side] == PENDING
    if told is None and pending and quiet and stale and number == state.engine.numbers[LIMIT]:
        assert running is not None
        onset = int(running["onset"][side])
        telling.told[key] = Told(1, onset, lapsed=True)
        return [_change(state, What.BEGAN, key, level=1, onset=onset, due=stale_at)]
    if told is not None and told.lapsed:
        if pending:
            told.normal_since = 0
        elif told.normal_since and slots.valid_at[slot] - told.normal_since >= slots.clear[slot]:
            telling.forget(key)
            return [_change(state, What.ENDED, key, level=1, onset=told.onset, ended_at=told.normal_since)]
    return []


def _released(state: State, key: Key) -> list[Change]:
    """The person no longer wears this sensor."""
    slots, telling, (slot, number, side) = state.slots, state.telling, key
    told, held = telling.told.get(key), telling.held.get(key)
    reason = DEVICE_UNBOUND if slots.patient[slot] else PATIENT_DISCHARGED
    state.engine.forget_condition(number, slot, side)
    telling.forget(key)
    if told is not None:
        return [_change(state, What.WITHDRAWN, key, level=told.level, onset=told.onset, reason=reason)]
    if held is not None and not held.passed and slots.patient[slot]:
        return [_passed(state, key, held, int(slots.valid_at[slot]))]
    return []


def _passed(state: State, key: Key, held: Held, ended_at: int) -> Change:
    found = _change(state, What.PASSED, key, level=held.level, onset=held.onset, ended_at=ended_at)
    return replace(found, peak=held.peak, peak_at=held.peak_at)


def switched_off(state: State, number: int) -> list[Change]:
    """What a detector that failed had told: nothing speaks for it any more."""
    keys = sorted(key for key in (*state.telling.told, *state.telling.held) if key[1] == number)
    changes = []
    for key in keys:
        told = state.telling.told.get(key)
        state.engine.forget_condition(number, key[0], key[2])
        state.telling.forget(key)
        if told is not None:
            changes.append(
                _change(state, What.WITHDRAWN, key, level=told.level, onset=told.onset, reason=DETECTOR_FAILED)
            )
    return changes


def reconfigure(
    state: State, slot: int, policy: Policy | None, version: str, reason: str = LIMIT_CHANGED
) -> list[Change]:
    """Take the limits that hold now (None = nobody wears the sensor); conditions for which the newest value is inside them are
    withdrawn for ``reason``, or dropped."""
    engine, slots = state.engine, state.slots
    vital, quick = int(slots.vital[slot]), bool(slots.quick[slot])
    clear, gap = int(slots.clear[slot]), int(slots.gap[slot])
    after = NOBODY if policy is None else engine.profiles.of(policy, version, vital, quick, clear, gap)
    engine.configure(slot, after)
    before = np.r_[slots.limit[slot], slots.severe[slot]]
    for side in (0, 1):
        slots.limit[slot, side], slots.severe[slot, side] = engine.profiles.limit(after, side)
    if policy is None or np.array_equal(before, np.r_[slots.limit[slot], slots.severe[slot]], equal_nan=True):
        return []
    value = float(slots.valid_value[slot])
    changes: list[Change] = []
    for side in (0, 1):
        limit = slots.limit[slot, side]
        if not (value < limit if side == 0 else value > limit):
            changes += _moved(state, slot, side, reason, without_severe=bool(np.isnan(slots.severe[slot, side])))
    return changes


def _moved(state: State, slot: int, side: int, reason: str, *, without_severe: bool) -> list[Change]:
    """The newest value is inside the limit that holds now."""
    engine, telling = state.engine, state.telling
    limit, doubt = ((slot, engine.numbers[name], side) for name in (LIMIT, UNVERIFIED))
    told, doubted = telling.told.get(limit), telling.told.get(doubt)
    changes = []
    if told is not None or (doubted is not None and without_severe):
        ground = told or doubted
        assert ground is not None
        changes = [_change(state, What.WITHDRAWN, limit, level=ground.level, onset=ground.onset, reason=reason)]
    elif doubted is not None:
        return []
    for key in (limit, doubt):
        engine.forget_condition(key[1], slot, side)
        telling.forget(key)
    return changes


def _change(
    state: State, what: What, key: Key, *, level: int, onset: int, due: int = 0, ended_at: int = 0, reason: str = ""
) -> Change:
    slots, (slot, number, side) = state.slots, key
    return Change(
        what=what,
        slot=slot,
        side=side,
        level=level,
        ordinal=int(slots.valid_ordinal[slot]),
        measured_at=int(slots.valid_at[slot]),
        received_at=int(slots.valid_received[slot]),
        value=float(slots.valid_value[slot]),
        quality=int(slots.valid_quality[slot]),
        onset_at=onset,
        peak=float(slots.valid_value[slot]),
        peak_at=int(slots.valid_at[slot]),
        ended_at=ended_at,
        due=due,
        reason=reason,
        detector=number,
    )
