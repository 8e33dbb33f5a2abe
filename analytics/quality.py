"""Quality of each value: which say something about the patient, how far, and which only about the sensor.

Device bits and plausible ranges gate a value before anything else. Then, for vitals that come continuously, the gate kernel asks
for confirmation: a value that jumped further than a body can in that time, and the first good value after a bad spell, count only
when the next one agrees. A value that does not count feeds no baseline and no physiological alert. A bad one beyond a severe
limit is an "unverified critical value" at once; one that waits for confirmation is not, because the next value says more a moment
later.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from analytics.detectors.contract import U8
from vigil.domain.quality import GATED, Quality
from vigil.domain.readings import F64, I64, U16, U32, U64, ReadingBatch

#: Gate of a value. Only ``COUNTS`` is a measurement of the patient; ``NOTHING`` (self test, no value) can never be critical.
COUNTS, BAD, UNCONFIRMED, NOTHING = range(4)

#: Bits that lower the confidence in a value without gating it: scores prefer a sensor without them.
DOUBTFUL = int(Quality.LOW_PERFUSION | Quality.EARLY_ESTIMATE | Quality.CLOCK_AHEAD)
#: Of these, bits by which the value itself may be wrong; an unknown clock makes no value wrong.
WEAK = int(Quality.LOW_PERFUSION | Quality.EARLY_ESTIMATE)
#: A bit of ours that no stored value has: the value stands still for longer than it does in anybody (detector "flat").
STUCK = 1 << 15

#: Signal-quality index of a value that counts: how much a baseline learns from it (ours).
_WEAK, _EARLY, _AHEAD = 0.4, 0.7, 0.7
_TEST, _LOW_PERFUSION = int(Quality.TEST), int(Quality.LOW_PERFUSION)
_EARLY_ESTIMATE, _CLOCK_AHEAD = int(Quality.EARLY_ESTIMATE), int(Quality.CLOCK_AHEAD)

GATE_STATE = ("bad_since", "good_at", "good_value", "pending")
GATE_FRESH = (0.0, -1.0, 0.0, float("nan"))
_BAD_SINCE, _GOOD_AT, _GOOD_VALUE, _PENDING = range(4)
_NAN, _SECONDS = float("nan"), 1e-6
_ON, _JUMP, _WITHIN, _SPELL, _AGREE = range(5)

#: By vital: the greatest change that is believed at once inside ``within`` seconds, after how many seconds of bad signal the
#: next good value must be confirmed, and how close two values must be to agree. All ours, need clinical sign-off. An onset of
#: fast atrial fibrillation (+65 beats at once) so comes one value later; a wild number of a second (5.6 an hour on BIDMC) never.
GATE_VALUES: dict[str, tuple[float, float, float, float]] = {
    "heart_rate": (25.0, 5.0, 5.0, 15.0),
    "spo2": (20.0, 5.0, 5.0, 4.0),
    "resp_rate": (20.0, 5.0, 5.0, 6.0),
}
#: Only of streams that send at least so often is a second value asked for, microseconds: it comes soon enough.
CONFIRMED_WITHIN = 5_000_000


def gate_row(vital: str, quick: bool) -> list[float]:
    """Parameter row of the gate kernel; ``quick``: the next value comes within ``CONFIRMED_WITHIN``."""
    jump, within, spell, agree = GATE_VALUES.get(vital, (0.0, 0.0, 0.0, 0.0))
    on = 1.0 if quick and vital in GATE_VALUES else 0.0
    return [on, jump, within * 1e6, spell * 1e6, agree]


def gate_kernel(
    slot: U64,
    at: I64,
    value: F64,
    quality: U16,
    gate: U8,
    weight: F64,
    since: F64,
    state: F64,
    param: F64,
    profile: U32,
) -> None:
    """Columns as in ``detectors.contract``; fills ``gate``, ``weight`` and ``since``. The gate is that of ``first_gate``,
    ``UNCONFIRMED`` where a value that counts needs another one; the weight is the signal-quality index, 0 for a gated value."""
    for i in range(slot.size):
        bits = quality[i]
        x = value[i]
        weight[i] = 0.0
        since[i] = _NAN
        first = COUNTS
        if (bits & _TEST) != 0 or x != x:
            first = NOTHING
        elif (bits & GATED) != 0:
            first = BAD
        gate[i] = first
        s = slot[i]
        p = profile[s]
        t = float(at[i])
        last = state[s, _GOOD_AT]
        if param[p, _ON] != 0.0:
            if first != COUNTS:
                if state[s, _BAD_SINCE] == 0.0:
                    state[s, _BAD_SINCE] = t
                state[s, _PENDING] = _NAN
                continue
            doubtful = False
            if state[s, _BAD_SINCE] > 0.0 and t - state[s, _BAD_SINCE] >= param[p, _SPELL]:
                doubtful = True
            elif last >= 0.0 and t - last <= param[p, _WITHIN]:
                doubtful = abs(x - state[s, _GOOD_VALUE]) > param[p, _JUMP]
            if doubtful and not abs(x - state[s, _PENDING]) <= param[p, _AGREE]:
                gate[i] = UNCONFIRMED
                state[s, _PENDING] = x
                continue
            state[s, _BAD_SINCE] = 0.0
            state[s, _PENDING] = _NAN
        if first != COUNTS:
            continue
        state[s, _GOOD_AT] = t
        state[s, _GOOD_VALUE] = x
        if last >= 0.0:
            since[i] = (t - last) * _SECONDS
        trust = 1.0
        if (bits & DOUBTFUL) != 0:
            if (bits & _LOW_PERFUSION) != 0:
                trust *= _WEAK
            if (bits & _EARLY_ESTIMATE) != 0:
                trust *= _EARLY
            if (bits & _CLOCK_AHEAD) != 0:
                trust *= _AHEAD
        weight[i] = trust


def gate_signature(types: Any) -> Any:
    """Given ``numba.types``."""
    whole, column = types.Array(types.int64, 1, "C"), types.Array(types.float64, 1, "C")
    table = types.Array(types.float64, 2, "C")
    bits, slots = types.Array(types.uint8, 1, "C"), types.Array(types.uint64, 1, "C")
    marks, profiles = types.Array(types.uint16, 1, "C"), types.Array(types.uint32, 1, "C")
    return types.void(slots, whole, column, marks, bits, column, column, table, table, profiles)


def first_gate(value: F64, quality: U16) -> U8:
    """By the bits that came with the value."""
    gate = np.zeros(value.size, np.uint8)
    gate[(quality & GATED) != 0] = BAD
    gate[((quality & int(Quality.TEST)) != 0) | np.isnan(value)] = NOTHING
    return gate


def gated(batch: ReadingBatch) -> NDArray[np.bool_]:
    """True where the bits of a value say that it is never compared with a limit and never scored; a NaN always is."""
    result: NDArray[np.bool_] = first_gate(batch.value, batch.quality) != COUNTS
    return result


def doubt_rank(quality: int) -> int:
    """0 = nothing speaks against the value; more = less confidence. Only to choose between two sensors."""
    return (quality & (DOUBTFUL | STUCK)).bit_count()
