"""Many patients hour by hour: what every step of learning and scoring hands on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

#: Column in the tables of the PhysioNet/CinC Challenge 2019 to vital of ``vigil.domain.vitals``, in the Challenge's units
#: (1/min, %, degrees Celsius, mmHg), which are ours too.
VITALS = {
    "HR": "heart_rate",
    "O2Sat": "spo2",
    "Temp": "body_temp",
    "SBP": "bp_sys",
    "MAP": "bp_mean",
    "DBP": "bp_dia",
    "Resp": "resp_rate",
}
#: The other way round.
COLUMN_OF = {vital: column for column, vital in VITALS.items()}


@dataclass(frozen=True, slots=True)
class Hours:
    """Rows are hours, patient after patient, each patient's hours ascending and without gaps.

    ``ids``: one a patient. ``starts``: (patients + 1,) row where each patient begins, the last entry is the number of rows.
    ``hour``: (n,) number of the hour (``ICULOS`` in the Challenge). ``columns``: (n,) each, named as in the Challenge; NaN where
    nothing was measured in that hour. ``Age`` (years) and ``Gender`` (1 = male, 0 = female, NaN = unknown) are the same in every
    row of a patient.
    """

    ids: tuple[str, ...]
    starts: NDArray[np.int64]
    hour: NDArray[np.int32]
    columns: Mapping[str, NDArray[np.float32]]

    def __len__(self) -> int:
        return len(self.hour)

    @property
    def patient(self) -> NDArray[np.int64]:
        """(n,) number of each row's patient."""
        return np.repeat(np.arange(len(self.ids)), np.diff(self.starts))

    def of_rows(self, rows: NDArray[np.int64]) -> tuple[Self, NDArray[np.int64]]:
        """Only the patients whom the rows are of, and the rows' places there: a few rows of a large table cost little."""
        number = np.searchsorted(self.starts, rows, side="right") - 1
        patients, place = np.unique(number, return_inverse=True)
        sizes = self.starts[patients + 1] - self.starts[patients]
        starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        kept = np.arange(starts[-1]) + np.repeat(self.starts[patients] - starts[:-1], sizes)
        columns = {name: column[kept] for name, column in self.columns.items()}
        own = type(self)(tuple(self.ids[one] for one in patients), starts, self.hour[kept], columns)
        return own, rows - self.starts[number] + starts[place]
