"""qSOFA (Sepsis-3, 2016) as a pure function: 0 to 3, positive at 2 or more, and only where an infection is suspected.

Source: the reference page "Early-warning scores", section 3 (consensus wording: 22 or more, 100 or less). Not a screen for sepsis
on its own: of 1,004,347 unselected admissions 27.0 % were positive, with a sensitivity of 62.8 % and a positive predictive value
of 17.4 %. So without a suspected infection the result is "not applicable", never 0; an input that is missing leaves bounds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from vigil.domain.mews import at_least
from vigil.domain.news2 import Bands, band_points
from vigil.domain.scores import ScoreStatus

#: Names of the inputs, in the order of the page.
INPUTS = ("resp_rate", "bp_sys", "consciousness")
POSITIVE = 2

RESP_RATE: Bands = ((21, 0), (math.inf, 1))
BP_SYS: Bands = ((100, 1), (math.inf, 0))
#: 0 = alert, 1 = altered mentation.
CONSCIOUSNESS: Bands = ((0, 0), (1, 1))


@dataclass(frozen=True, slots=True)
class QSofaInputs:
    """None or NaN = not known. Breathing per minute, systolic pressure in mmHg; ``alert``: A of ACVPU, or GCS 15."""

    resp_rate: float | None = None
    bp_sys: float | None = None
    alert: bool | None = None


@dataclass(frozen=True, slots=True)
class QSofa:
    """``points`` by input name, None where not known. ``lower`` to ``upper`` bound the total; equal when complete.

    ``positive``: 2 or more; None when the bounds do not decide it. All None when not applicable; ``why`` says why.
    """

    status: ScoreStatus
    total: int | None
    lower: int | None
    upper: int | None
    positive: bool | None
    points: dict[str, int | None]
    missing: tuple[str, ...]
    why: str = ""


def qsofa(inputs: QSofaInputs, *, infection_suspected: bool) -> QSofa:
    """Score one set of inputs. ``infection_suspected`` is a clinician's judgement, never inferred.

    >>> qsofa(QSofaInputs(22, 100, None), infection_suspected=True).positive
    True
    """
    if not infection_suspected:
        nothing: dict[str, int | None] = dict.fromkeys(INPUTS)
        why = "qSOFA is for a suspected infection only"
        return QSofa(ScoreStatus.NOT_APPLICABLE, None, None, None, None, nothing, (), why)
    points = {
        "resp_rate": band_points(RESP_RATE, inputs.resp_rate),
        "bp_sys": band_points(BP_SYS, inputs.bp_sys),
        "consciousness": None if inputs.alert is None else int(not inputs.alert),
    }
    missing = tuple(name for name in INPUTS if points[name] is None)
    lower = sum(known or 0 for known in points.values())
    upper = lower + len(missing)
    status = ScoreStatus.PARTIAL if missing else ScoreStatus.COMPLETE
    total = None if missing else lower
    return QSofa(status, total, lower, upper, at_least(POSITIVE, lower, upper), points, missing)
