"""A wrist tracker's heart rate a minute, as worn for days: smoothed, wrong by a little, now and then by a lot, with gaps.

Fitted to CGMacros (reference page "Physiology", sections 3 and 7); M measured, A assumed. The 1-Hz wearable of the demo is
``simulators.device``; this one serves long, coarse histories and the checks of the generator.
"""

from __future__ import annotations

import numpy as np

from simulators.noise import Floats, Lowpass

#: A, fitted to section 3: smoothing in seconds, Laplace error (beats/min) at rest and its factor in effort, share of wild
#: minutes and their size.
_SMOOTH_S = 0.45 * 60.0
_LAPLACE = 0.6
_ACTIVE_FACTOR = 2.33
_WILD_SHARE_REST, _WILD_SHARE_ACTIVE, _WILD_LAPLACE = 0.004, 0.02, 12.0

#: METs above rest from which a minute counts as active (M: MET >= 2.5 in 22 % of minutes).
ACTIVE_EFFORT = 1.5

#: Gaps, M: 4.0 a day, quantiles of their length in minutes.
GAPS_PER_DAY = 4.0
_GAP_SHARE = np.array([0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 1.0])
_GAP_MINUTES = np.array([1.0, 1.0, 1.0, 3.0, 8.0, 24.0, 692.0, 1440.0])


class WristTracker:
    """Turns true heart rate a minute into what a tracker stores; blocks may be split anywhere."""

    def __init__(self, first_hr: Floats, rng: np.random.Generator) -> None:
        self._smooth = Lowpass({"hr": _SMOOTH_S}, {"hr": first_hr}, at_end=True)
        self._rng = rng

    def minutes(self, hr: Floats, effort: Floats) -> Floats:
        """``hr`` and ``effort`` (METs above rest) a minute, ``(n, persons)``; answers whole beats/min."""
        smooth = self._smooth.advance({"hr": hr}, 60.0)["hr"]
        active = effort >= ACTIVE_EFFORT
        drawn = self._rng.random((hr.shape[0], 3, hr.shape[1]))
        error = _laplace(drawn[:, 0]) * np.where(active, _LAPLACE * _ACTIVE_FACTOR, _LAPLACE)
        wild = drawn[:, 1] < np.where(active, _WILD_SHARE_ACTIVE, _WILD_SHARE_REST)
        error += np.where(wild, _WILD_LAPLACE * _laplace(drawn[:, 2]), 0.0)
        return np.rint(smooth + error)


def _laplace(share: Floats) -> Floats:
    """Unit Laplace numbers from uniform ones."""
    centred = share - 0.5
    return np.asarray(-np.sign(centred) * np.log1p(-2.0 * np.minimum(np.abs(centred), 0.5 - 1e-12)), dtype=np.float64)


def gap_minutes(rng: np.random.Generator, count: int = 1) -> Floats:
    """Lengths of gaps in a worn tracker's record, minutes; between the measured quantiles the logarithm is interpolated (A)."""
    return np.asarray(np.exp(np.interp(rng.random(count), _GAP_SHARE, np.log(_GAP_MINUTES))), dtype=np.float64)
