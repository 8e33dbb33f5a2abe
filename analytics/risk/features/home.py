"""Features that a home has: vital signs, age and sex; nothing about how long somebody has been watched.

How often and how lately something was measured is a habit of the ward, and left out on purpose: it raised the AUROC by 0.008
inside set A, and by nothing on stays of units that were not learned from.
"""

from __future__ import annotations

import numpy as np

from analytics.risk.features.contract import FeatureSet, Matrix, Rows
from analytics.risk.features.derived import DERIVED, TOLD_WITH
from analytics.risk.features.windows import LOOKBACK_H, STATS, windows
from analytics.risk.hours import VITALS, Hours

PEOPLE = ("Age", "Gender")
#: Hours for which a vital stands for the time after it.
CARRY_H = 24
#: Ages of measurements are told in steps of so many hours: enough to abstain by, too coarse to know a ward by.
AGE_STEP_H = 12

_OF_VITAL = tuple(stat for stat in STATS if stat != "age")
#: Of what is counted in few whole steps, or is 0 most of the time.
_OF_MARK = ("last", "mean", "mean_24", "mean_72", "max_24", "max_72")
_MARKS = ("NEWS2", "SIRS", "Fever", "FastBreathing")

_KEPT = [(column, stat) for column in (*VITALS, *DERIVED) for stat in (_OF_MARK if column in _MARKS else _OF_VITAL)]
_ALL = [(column, stat) for column in (*VITALS, *DERIVED) for stat in STATS]
_PLACES = np.array([_ALL.index(each) for each in (*_KEPT, *((column, "age") for column in VITALS))])
_AGES = slice(len(_KEPT), len(_KEPT) + len(VITALS))
_TOLD = {**VITALS, **dict(zip(DERIVED, TOLD_WITH, strict=True))}

NAMES = (*(f"{column}_{stat}" for column, stat in _KEPT), *(f"{column}_age" for column in VITALS), *PEOPLE)
GROUPS = (*(_TOLD[column] for column, _ in _KEPT), *VITALS.values(), "age", "sex")

#: Of the levels of a vital, not of its changes and its unrest. Temperature harms at both ends, fever at one.
_RISES = {
    **dict.fromkeys(("HR", "Resp", "ShockIndex", "NEWS2", "SIRS", "Fever", "FastBreathing"), 1),
    **dict.fromkeys(("O2Sat", "SBP", "MAP", "DBP", "SpO2Resp"), -1),
}
_NO_LEVELS = ("change", "day_change", "usual", "sd_24", "rough_24")
RISES = (
    *(0 if stat in _NO_LEVELS else _RISES.get(column, 0) for column, stat in _KEPT),
    *(0 for _ in (*VITALS, *PEOPLE)),
)


def compute(hours: Hours, rows: Rows | None = None) -> Matrix:
    matrix = with_ages(hours, rows)
    ages = matrix[:, _AGES]
    matrix[:, _AGES] = AGE_STEP_H * np.maximum(np.ceil(ages / AGE_STEP_H), 1)
    return matrix


def with_ages(hours: Hours, rows: Rows | None) -> Matrix:
    """The features, ages in whole hours."""
    at = slice(None) if rows is None else rows
    matrix = np.empty((len(hours) if rows is None else len(rows), len(NAMES)), np.float32)
    windows(hours, tuple(VITALS), rows, CARRY_H, _PLACES, matrix, derived=True)
    for place, name in enumerate(PEOPLE, start=_AGES.stop):
        matrix[:, place] = hours.columns[name][at]
    return matrix


HOME = FeatureSet("home", (*VITALS, *PEOPLE), NAMES, GROUPS, RISES, LOOKBACK_H, compute)
