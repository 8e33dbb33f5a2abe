"""Detectors that look at several streams of one patient, minute by minute.

Pure functions on the patient's minute grid: a minute is named by the measured time at which it ends, microseconds UTC, and a
value is the median of its readings that count, NaN = none.
"""

from __future__ import annotations

#: Names of their rules: ``disagreement.<vital>`` and ``multivariate``.
DISAGREEMENT, MULTIVARIATE = "disagreement", "multivariate"
