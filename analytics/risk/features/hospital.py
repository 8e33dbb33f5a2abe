"""Features that a hospital has: those of a home, and laboratory values, ages of measurements, place and length of the stay."""

from __future__ import annotations

import numpy as np

from analytics.risk.features import home
from analytics.risk.features.contract import FeatureSet, Matrix, Rows
from analytics.risk.features.windows import LOOKBACK_H, STATS, windows
from analytics.risk.hours import Hours

LABS = (
    "BaseExcess", "HCO3", "FiO2", "pH", "PaCO2", "SaO2", "AST", "BUN", "Alkalinephos", "Calcium", "Chloride", "Creatinine",
    "Bilirubin_direct", "Glucose", "Lactate", "Magnesium", "Phosphate", "Potassium", "Bilirubin_total", "TroponinI", "Hct",
    "Hgb", "PTT", "WBC", "Fibrinogen", "Platelets",
)  # fmt: skip
STAY = ("Unit1", "Unit2", "HospAdmTime")
_OF_LAB = ("last", "age", "change", "mean_72", "min_72", "max_72")
_PLACES = np.array([place * len(STATS) + STATS.index(stat) for place in range(len(LABS)) for stat in _OF_LAB])

NAMES = (*home.NAMES, *(f"{column}_{stat}" for column in LABS for stat in _OF_LAB), *STAY, "ICULOS")
GROUPS = (*home.GROUPS, *("labs" for _ in LABS for _ in _OF_LAB), *("stay" for _ in STAY), "stay")
#: Nothing is supposed of laboratory values.
RISES = (*home.RISES, *(0 for _ in range(len(NAMES) - len(home.NAMES))))


def compute(hours: Hours, rows: Rows | None = None) -> Matrix:
    at = slice(None) if rows is None else rows
    matrix = home.with_ages(hours, rows)
    labs = np.empty((len(matrix), len(_PLACES)), np.float32)
    windows(hours, LABS, rows, LOOKBACK_H, _PLACES, labs)
    stay = np.stack([*(hours.columns[name][at] for name in STAY), hours.hour[at].astype(np.float32)], axis=1)
    return np.concatenate([matrix, labs, stay], axis=1, dtype=np.float32)


HOSPITAL = FeatureSet("hospital", (*home.HOME.columns, *LABS, *STAY), NAMES, GROUPS, RISES, LOOKBACK_H, compute)
