"""Two sensors that measure one vital of one person and do not agree: one of them is wrong. A technical finding."""

from __future__ import annotations

import numpy as np

from analytics.patient_detectors.runs import FRESH, Memory, Span, runs
from vigil.domain.readings import F64, I64
from vigil.domain.times import MINUTE

__all__ = ["FRESH", "MARGINS", "MINUTE", "Memory", "Span", "disagreement"]

#: Difference of two minute medians that is no longer scatter, in the vital's unit (reference page "Physiology", sections 3 and 6;
#: the choice is ours). Heart rate: 10 /min or more apart in 3.5 % of the seconds of BIDMC, but in bursts of seconds: of its 216
#: minutes two differ by more than 10. SpO2: finger and wrist within 6. Breathing: 5 from counted breaths in 5.3 %. Temperature:
#: limits of agreement of two sites -1.16 to +0.77.
MARGINS: dict[str, float] = {"heart_rate": 10.0, "spo2": 6.0, "resp_rate": 6.0, "body_temp": 1.2}


def disagreement(minute: I64, a: F64, b: F64, margin: float, memory: Memory = FRESH) -> tuple[list[Span], Memory]:
    """The spans that ended in these minutes, and what to remember; ``Memory.open`` is the one that goes on.

    ``minute`` as for ``runs``. ``a``, ``b`` f64 (m,): medians of the two sources in the vital's unit, NaN = none. ``margin`` in
    that unit. Raises ``InvalidInput`` when the minutes do not ascend.

    >>> m = np.arange(1, 11) * MINUTE
    >>> a, b = np.full(10, 80.0), np.array([80.0] * 2 + [95.0] * 5 + [80.0] * 3)
    >>> [(span.began // MINUTE, span.ended // MINUTE) for span in disagreement(m, a, b, 10.0)[0]]
    [(2, 7)]
    """
    return runs(minute, np.abs(a - b), margin, memory)
