"""Shock index = heart rate / systolic pressure, as a pure function: above 0.9 raised (Rady 1994), above 1.0 high.

Source: the reference page "Early-warning scores", section 4; normal is 0.5 to 0.7. Weaker above 65 years, under beta-blockers and
calcium-channel blockers, and in hypertension. Both values must come from the same 5 minutes, else the older one is stale and
counts as missing. Values are rounded first (whole numbers, half up), so that the index is that of the numbers on the page.
A missing value leaves bounds over its plausible range in ``vigil.domain.vitals``, never an index.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import IntEnum

from vigil.domain.errors import InvalidInput
from vigil.domain.news2 import half_up
from vigil.domain.scores import ScoreStatus
from vigil.domain.times import MINUTE
from vigil.domain.vitals import BY_NAME

INPUTS = ("heart_rate", "bp_sys")
#: Greatest distance between the two measurements, microseconds.
TOGETHER = 5 * MINUTE
#: Strictly above: 90/100 is not raised.
RAISED_ABOVE = 0.9
HIGH_ABOVE = 1.0
#: What a missing value can be: per minute, mmHg.
HEART_RATES = BY_NAME["heart_rate"].plausible
PRESSURES = BY_NAME["bp_sys"].plausible


class ShockLevel(IntEnum):
    NORMAL = 0
    RAISED = 1
    HIGH = 2


@dataclass(frozen=True, slots=True)
class ShockIndex:
    """Per minute and mmHg. ``index`` only when both values are known and go together; ``lower`` to ``upper`` bound it.

    ``level`` follows ``lower``, as alerts do. ``missing``: the inputs not known or stale.
    """

    status: ScoreStatus
    index: float | None
    lower: float
    upper: float
    level: ShockLevel
    missing: tuple[str, ...]


def level_of(index: float) -> ShockLevel:
    """
    >>> level_of(90 / 100).name, level_of(91 / 100).name, level_of(110 / 90).name
    ('NORMAL', 'RAISED', 'HIGH')
    """
    if index > HIGH_ABOVE:
        return ShockLevel.HIGH
    return ShockLevel.RAISED if index > RAISED_ABOVE else ShockLevel.NORMAL


def _on_chart(value: float | None) -> float | None:
    if value is None or math.isnan(value):
        return None
    if value < 0:
        raise InvalidInput("the shock index needs a heart rate of 0 or more and a pressure above 0")
    return half_up(value)


def shock_index(heart_rate: float | None, bp_sys: float | None, *, apart_us: int = 0) -> ShockIndex:
    """``apart_us``: measured time of the heart rate less that of the pressure. None or NaN = not known.

    Raises ``InvalidInput`` for a pressure that rounds to 0 and for negative values.

    >>> round(shock_index(70, 120).lower, 2), shock_index(110, None).level.name
    (0.58, 'NORMAL')
    """
    rate, pressure = _on_chart(heart_rate), _on_chart(bp_sys)
    if pressure == 0:
        raise InvalidInput("the shock index needs a heart rate of 0 or more and a pressure above 0")
    if rate is not None and pressure is not None and abs(apart_us) > TOGETHER:
        rate, pressure = (rate, None) if apart_us > 0 else (None, pressure)
    missing = tuple(name for name, value in zip(INPUTS, (rate, pressure), strict=True) if value is None)
    slowest, fastest = HEART_RATES if rate is None else (rate, rate)
    weakest, strongest = PRESSURES if pressure is None else (pressure, pressure)
    lower, upper = slowest / strongest, fastest / weakest
    status = ScoreStatus.PARTIAL if missing else ScoreStatus.COMPLETE
    return ShockIndex(status, None if missing else lower, lower, upper, level_of(lower), missing)
