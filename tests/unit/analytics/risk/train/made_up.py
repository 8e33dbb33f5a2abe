"""A ward in the Challenge's columns as a file, and training on it in seconds: invented people, quick candidates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import RobustScaler

from analytics.risk.train.run import Trained, train
from analytics.risk.train.sepsis import sepsis
from analytics.risk.train.task import Candidate, Task

DATED = "2026-01-01"
HOURS = 20
_USUAL = {"HR": 80.0, "O2Sat": 97.0, "Temp": 37.0, "SBP": 120.0, "MAP": 85.0, "DBP": 65.0, "Resp": 16.0}
_SPREAD = {"HR": 8.0, "O2Sat": 1.0, "Temp": 0.3, "SBP": 10.0, "MAP": 6.0, "DBP": 6.0, "Resp": 2.0}


def ward(stays: int = 150, seed: int = 1) -> dict[str, NDArray[Any]]:
    """Every stay has ``HOURS`` hours; one in four falls ill, and from hour 10 on his pulse and breathing rise."""
    random, rows = np.random.default_rng(seed), stays * HOURS
    ill = np.repeat(random.random(stays) < 0.25, HOURS)
    hour = np.tile(np.arange(1, HOURS + 1), stays)
    label = ill & (hour >= 12)
    table: dict[str, NDArray[Any]] = {
        "patient_id": np.repeat(np.array([f"invented-{number:04}" for number in range(stays)], dtype=object), HOURS),
        "ICULOS": hour,
    }
    for name, usual in _USUAL.items():
        values = usual + random.normal(0, _SPREAD[name], rows)
        if name in ("HR", "Resp"):
            values += 1.5 * _SPREAD[name] * (ill & (hour >= 10))
        values[random.random(rows) < 0.3] = np.nan
        table[name] = values
    table["HR"][3] = 900.0  # what nobody's heart does
    table["Age"] = np.repeat(random.integers(20, 90, stays).astype(np.float64), HOURS)
    table["Gender"] = np.repeat(random.integers(0, 2, stays), HOURS)
    unit = np.repeat(random.integers(0, 3, stays), HOURS)
    table["Unit1"] = np.where(unit == 2, np.nan, unit == 0).astype(np.float64)
    table["Unit2"] = np.where(unit == 2, np.nan, unit == 1).astype(np.float64)
    table["SepsisLabel"] = label.astype(np.int64)
    return table


def written(table: dict[str, NDArray[Any]], path: Path) -> Path:
    with duckdb.connect(":memory:") as con:
        con.register("made", table)
        if path.suffix == ".csv":
            con.table("made").write_csv(str(path), header=True)
        else:
            con.table("made").write_parquet(str(path))
    return path


def logistic(seed: int) -> Any:
    return make_pipeline(
        SimpleImputer(strategy="median", keep_empty_features=True),
        RobustScaler(),
        LogisticRegression(C=0.001, max_iter=5000, random_state=seed),
    )


def boosting(seed: int) -> Any:
    # Few bins: scikit-learn 1.9 takes weighted quantiles, whose cost grows with rows times bins.
    return HistGradientBoostingClassifier(
        max_iter=8, max_bins=15, max_leaf_nodes=5, early_stopping=False, random_state=seed
    )


def quick(task: Task | None = None) -> Task:
    """The sepsis task with candidates that learn in no time, and three folds."""
    candidates = {"logistic": Candidate(logistic, 900), "boosting": Candidate(boosting)}
    return replace(task or sepsis("home"), candidates=candidates, outer=3)


class Stop(BaseException):
    """The power fails."""


@dataclass
class Seen:
    """Notes what a run tells, and stops it after so many calls."""

    stop_after: int | None = None
    steps: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    calls: int = 0

    def begins(self, step: str) -> None:
        self.steps.append(step)
        self._called()

    def advances(self, step: str, done: int, total: int) -> None:
        self._called()

    def tells(self, step: str, what: str) -> None:
        self._called()

    def says(self, line: str) -> None:
        self.lines.append(line)

    def _called(self) -> None:
        self.calls += 1
        if self.calls == self.stop_after:
            raise Stop


def trained(
    source: Path, out: Path, seen: Seen | None = None, seed: int = 1, make: Callable[[], Task] = quick
) -> Trained:
    return train(make(), source, out, seed, DATED, seen or Seen())


def contents(out: Path) -> dict[str, bytes]:
    return {str(path.relative_to(out)): path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()}
