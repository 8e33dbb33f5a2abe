"""Features that a home has: vital signs, age and sex; nothing about how long somebody has been watched."""

from __future__ import annotations

import numpy as np

from analytics.risk.features.contract import FeatureSet, Matrix, Rows
from analytics.risk.features.windows import LOOKBACK_H, STATS, windows
from analytics.risk.hours import VITALS, Hours

PEOPLE = ("Age", "Gender")
NAMES = (*(f"{column}_{stat}" for column in VITALS for stat in STATS), *PEOPLE)
GROUPS = (*(vital for vital in VITALS.values() for _ in STATS), "age", "sex")


def compute(hours: Hours, rows: Rows | None = None) -> Matrix:
    at = slice(None) if rows is None else rows
    people = np.stack([hours.columns[name][at] for name in PEOPLE], axis=1)
    return np.concatenate([windows(hours, tuple(VITALS), rows), people], axis=1, dtype=np.float32)


HOME = FeatureSet("home", (*VITALS, *PEOPLE), NAMES, GROUPS, LOOKBACK_H, compute)
