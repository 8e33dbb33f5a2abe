"""MEWS, the Modified Early Warning Score (Subbe 2001), as a pure function.

0 to 14; 5 or more was linked to a higher risk of death and of admission to intensive care. Source: the reference page
"Early-warning scores", section 2. Copies of the table differ at the edges; ours gives a heart rate of 40, which the table leaves
out, 1 point. The other family of MEWS (with urine output) is not mixed in. Values are rounded first as on a chart, as for NEWS2.
Whom it may be used for is the caller's to decide. An input that is missing leaves bounds over the joint completions, never a
total.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from vigil.domain.news2 import Bands, band_points
from vigil.domain.scores import ScoreStatus

#: Names of the inputs, in the order of the table.
INPUTS = ("bp_sys", "heart_rate", "resp_rate", "body_temp", "consciousness")
#: A total from which the risk was higher; some hospitals call the doctor at 4.
RAISED = 5
#: Consciousness: stored codes of ACVPU 0 to 4, and this for "not alert, letter not known" (a Glasgow Coma Scale below 15).
NOT_ALERT = 5

BP_SYS: Bands = ((70, 3), (80, 2), (100, 1), (199, 0), (math.inf, 2))
HEART_RATE: Bands = ((39, 2), (50, 1), (100, 0), (110, 1), (129, 2), (math.inf, 3))
RESP_RATE: Bands = ((8, 2), (14, 0), (20, 1), (29, 2), (math.inf, 3))
BODY_TEMP: Bands = ((34.9, 2), (38.4, 0), (math.inf, 2))
#: By code. New confusion ("C") is no letter of this scale; we count it like "V" (ours, needs clinical sign-off).
CONSCIOUSNESS_BEST: Bands = ((0, 0), (1, 1), (2, 1), (3, 2), (4, 3), (NOT_ALERT, 1))
CONSCIOUSNESS_WORST: Bands = ((0, 0), (1, 1), (2, 1), (3, 2), (4, 3), (NOT_ALERT, 3))

#: The most points of each input, in the order of ``INPUTS``.
WORST_POINTS = (3, 3, 3, 2, 3)


@dataclass(frozen=True, slots=True)
class MewsInputs:
    """None or NaN = not known. Pressure in mmHg, rates per minute, temperature in °C; ``consciousness`` as coded above."""

    bp_sys: float | None = None
    heart_rate: float | None = None
    resp_rate: float | None = None
    body_temp: float | None = None
    consciousness: float | None = None


@dataclass(frozen=True, slots=True)
class Mews:
    """``points`` by input name, None where not certain. ``lower`` to ``upper`` bound the total; equal when complete.

    ``missing``: inputs whose points are not certain. ``raised``: 5 or more; None when the bounds do not decide it.
    """

    status: ScoreStatus
    total: int | None
    lower: int
    upper: int
    raised: bool | None
    points: dict[str, int | None]
    missing: tuple[str, ...]


def at_least(threshold: int, lower: int, upper: int) -> bool | None:
    """Has a score with these bounds reached the threshold? None when it is not known.

    >>> at_least(5, 5, 8), at_least(5, 1, 4), at_least(5, 4, 5)
    (True, False, None)
    """
    if lower >= threshold:
        return True
    return None if upper >= threshold else False


def mews(inputs: MewsInputs) -> Mews:
    """Score one set of inputs.

    >>> mews(MewsInputs(80, 111, 21, 38.5, 2)).total
    9
    >>> unsure = mews(MewsInputs(120, 70, 12, None, NOT_ALERT))
    >>> unsure.lower, unsure.upper, unsure.missing
    (1, 5, ('body_temp', 'consciousness'))
    """
    best = (
        band_points(BP_SYS, inputs.bp_sys),
        band_points(HEART_RATE, inputs.heart_rate),
        band_points(RESP_RATE, inputs.resp_rate),
        band_points(BODY_TEMP, inputs.body_temp, 1),
        band_points(CONSCIOUSNESS_BEST, inputs.consciousness),
    )
    worst = (*best[:-1], band_points(CONSCIOUSNESS_WORST, inputs.consciousness))
    lower = sum(points or 0 for points in best)
    upper = sum(most if points is None else points for points, most in zip(worst, WORST_POINTS, strict=True))
    points = {name: low if low == high else None for name, low, high in zip(INPUTS, best, worst, strict=True)}
    missing = tuple(name for name in INPUTS if points[name] is None)
    status = ScoreStatus.PARTIAL if missing else ScoreStatus.COMPLETE
    total = None if missing else lower
    return Mews(status, total, lower, upper, at_least(RAISED, lower, upper), points, missing)
