"""Quality of each value: which say something about the patient, how far, and which only about the sensor.

Device bits and plausible ranges gate a value before anything else. Then, for vitals that come continuously, the gate asks
for confirmation: a value that jumped further than a body can in that time, and the first good value after a bad spell, count only
when the next one agrees. A value that does not count feeds no baseline and no physiological alert. A bad one beyond a severe
limit is an "unverified critical value" at once; one that waits for confirmation is not, because the next value says more a moment
later.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from analytics.detectors.contract import U8, WEAK_SIGNAL, Row
from vigil.domain.quality import GATED, Quality
from vigil.domain.readings import F64, U16, ReadingBatch

#: Gate of a value. Only ``COUNTS`` is a measurement of the patient; ``NOTHING`` (self test, no value) can never be critical.
GATES = COUNTS, BAD, UNCONFIRMED, NOTHING = range(4)

#: Bits that lower the confidence in a value without gating it: scores prefer a sensor without them.
DOUBTFUL = int(Quality.LOW_PERFUSION | Quality.EARLY_ESTIMATE | Quality.CLOCK_AHEAD)
#: Of these, bits by which the value itself may be wrong; an unknown clock makes no value wrong.
WEAK = int(Quality.LOW_PERFUSION | Quality.EARLY_ESTIMATE)
#: A bit of ours that no stored value has: the value stands still for longer than it does in anybody (detector "flat").
STUCK = 1 << 15

#: Signal-quality index of a value that counts: how much a baseline learns from it (ours).
_WEAK, _EARLY, _AHEAD = WEAK_SIGNAL, 0.7, 0.7
_TEST, _LOW_PERFUSION = int(Quality.TEST), int(Quality.LOW_PERFUSION)
_EARLY_ESTIMATE, _CLOCK_AHEAD = int(Quality.EARLY_ESTIMATE), int(Quality.CLOCK_AHEAD)

GATE_STATE = ("bad_since", "good_at", "good_value", "pending")
GATE_FRESH = (0.0, -1.0, 0.0, float("nan"))
#: Columns of ``gate_row``.
GATE_PARAM = 5
_NAN, _SECONDS = float("nan"), 1e-6

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
    """Parameter row of ``gate_of``; ``quick``: the next value comes within ``CONFIRMED_WITHIN``."""
    jump, within, spell, agree = GATE_VALUES.get(vital, (0.0, 0.0, 0.0, 0.0))
    on = 1.0 if quick and vital in GATE_VALUES else 0.0
    return [on, jump, within * 1e6, spell * 1e6, agree]


def gate_of(value: float, at: float, bits: int, state: Row, param: Row) -> tuple[int, float, float, Row]:
    """Gate and weight of a value, the seconds since the one that counted before it (NaN = none did, or it does not count itself),
    and the slot's memory from now on. The gate is that of ``first_gate``, ``UNCONFIRMED`` where a value that counts needs another
    one; the weight is the signal-quality index, 0 for a gated value."""
    bad_since, good_at, good_value, pending = state
    on, jump, within, spell, agree = param
    first = COUNTS
    if (bits & _TEST) != 0 or value != value:
        first = NOTHING
    elif (bits & GATED) != 0:
        first = BAD
    if on != 0.0:
        if first != COUNTS:
            return first, 0.0, _NAN, (at if bad_since == 0.0 else bad_since, good_at, good_value, _NAN)
        doubtful = False
        if bad_since > 0.0 and at - bad_since >= spell:
            doubtful = True
        elif good_at >= 0.0 and at - good_at <= within:
            doubtful = abs(value - good_value) > jump
        if doubtful and not abs(value - pending) <= agree:
            return UNCONFIRMED, 0.0, _NAN, (bad_since, good_at, good_value, value)
        bad_since, pending = 0.0, _NAN
    if first != COUNTS:
        return first, 0.0, _NAN, (bad_since, good_at, good_value, pending)
    trust = 1.0
    if (bits & DOUBTFUL) != 0:
        if (bits & _LOW_PERFUSION) != 0:
            trust *= _WEAK
        if (bits & _EARLY_ESTIMATE) != 0:
            trust *= _EARLY
        if (bits & _CLOCK_AHEAD) != 0:
            trust *= _AHEAD
    since = (at - good_at) * _SECONDS if good_at >= 0.0 else _NAN
    return COUNTS, trust, since, (bad_since, at, value, pending)


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
