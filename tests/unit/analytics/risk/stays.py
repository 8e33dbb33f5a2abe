"""Invented stays for tests of features and predictors: values that a living person can have, measured at any rate."""

from __future__ import annotations

import numpy as np

from analytics.risk.features import FEATURE_SETS
from analytics.risk.hours import Hours

_MIDDLE = {"HR": 85, "O2Sat": 97, "Temp": 37, "SBP": 120, "MAP": 80, "DBP": 60, "Resp": 18}
_SPREAD = {"HR": 15, "O2Sat": 2, "Temp": 0.7, "SBP": 18, "MAP": 12, "DBP": 10, "Resp": 4}


def stays(lengths: list[int], seed: int, *, measured: float = 0.7, feature_set: str = "hospital") -> Hours:
    """``lengths``: hours of each stay. ``measured``: share of hours with a value, 0 to 1."""
    random, count = np.random.default_rng(seed), sum(lengths)
    starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    columns = {}
    for name in FEATURE_SETS[feature_set].columns:
        values = random.normal(_MIDDLE.get(name, 5.0), _SPREAD.get(name, 1.0), count).astype(np.float32)
        values[random.random(count) >= measured] = np.nan
        columns[name] = values
    for name, most in (("Age", 95), ("Gender", 2), ("Unit1", 2)):
        if name in columns:
            columns[name] = np.repeat(random.integers(0, most, len(lengths)), lengths).astype(np.float32)
    return Hours(
        tuple(f"p{number}" for number in range(len(lengths))),
        starts,
        np.concatenate([np.arange(1, length + 1, dtype=np.int32) for length in lengths]),
        columns,
    )


def cut(hours: Hours, patient: int, after: int) -> Hours:
    """The table as it was when the patient's row ``after`` (counted from the stay's start) was the newest, and nobody else's."""
    begin = int(hours.starts[patient])
    kept = slice(begin, begin + after + 1)
    return Hours(
        (hours.ids[patient],),
        np.array([0, after + 1], np.int64),
        hours.hour[kept],
        {name: column[kept] for name, column in hours.columns.items()},
    )
