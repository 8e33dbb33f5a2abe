"""One slot's readings through one detector, uncompiled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analytics.detectors.contract import F32, U8, Detector
from analytics.engine.stack import rows_of
from vigil.domain.readings import F64

#: 2026-01-01, seconds UTC.
START_S = 1_767_225_600.0


@dataclass(slots=True)
class Series:
    """``state``: the one row, by the names of the description."""

    detector: Detector
    vital: str
    values: dict[str, float]
    row: F64
    now_s: float = START_S
    last_us: float = float("nan")

    @staticmethod
    def of(detector: Detector, vital: str, **values: float) -> Series:
        return Series(detector, vital, values, np.array([[fresh for _, fresh in detector.state]]))

    def feed(
        self, value: NDArray[np.floating[Any]], every_s: float | F64 = 60.0, weight: float = 1.0
    ) -> tuple[F32, U8]:
        """The first of them comes ``every_s`` after the last one fed."""
        n = value.size
        seconds = self.now_s + np.cumsum(np.broadcast_to(every_s, n))
        self.now_s = float(seconds[-1])
        param = np.array([[0.0] * (1 + len(self.detector.parameters)), self.detector.row(self.vital, self.values)])
        score, code = np.zeros(n, np.float32), np.zeros(n, np.uint8)
        at = np.round(seconds * 1e6).astype(np.int64)
        since = np.diff(at, prepend=self.last_us) * 1e-6
        self.last_us = float(at[-1])
        rows_of(self.detector)(
            *(np.zeros(n, np.uint64), at, since, value.astype(np.float64), np.full(n, weight), np.zeros(n, np.uint8)),
            *(self.row, param, np.ones(1, np.uint32), score, code),
        )
        return score, code

    def state(self, name: str) -> float:
        return float(self.row[0, [column for column, _ in self.detector.state].index(name)])


def noise(level: float, spread: float, n: int, seed: int = 1) -> F64:
    return level + spread * np.random.default_rng(seed).standard_normal(n)
