"""Does a model still see the people it learnt from? Inputs, scores and outcomes against the reference of its folder.

``DriftWatch`` counts, in fixed memory, whatever order the rows come in; ``found`` compares. Nothing here changes a model: a
finding names the feature, the measure and the bound, for a technical alert. Bounds: fairness.md section 4 (0.1 / 0.25 for
PSI, 0.1 for D, 20 % for mean score and alert rate) and section 2 (10 points of coverage, O/E 0.8 to 1.25); PSI's are
convention, not theory.

Hours of one person resemble one another, so that hours counted as if each were news find drift everywhere. Every test here
takes the number of persons as its sample size, and a finding needs both: beyond its bound, and beyond what chance does (Holm
over all tests).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analytics.risk.drift_tests import OUTCOME, DriftTest, feature_tests, held, outcome_tests, score_tests
from analytics.risk.reference import CUTS, SCORE, Reference
from vigil.domain.errors import ModelError
from vigil.domain.readings import F64, I64

DAY, HOUR, QUARTER = 86_400_000_000, 3_600_000_000, 900_000_000
#: Days that count for inputs and scores, and for outcomes (rolling 30 days, fairness.md section 4).
DAYS, OUTCOME_DAYS = 7, 30
#: Before so many persons and hours nothing is said (ours: a smaller group is described by its chance composition).
LEAST_PATIENTS, LEAST_ROWS = 20, 500
#: Fewest hours with the event, seen or foretold, before calibration is judged: 100 events (fairness.md section 3), each of which
#: counts in up to six hours before it.
LEAST_EVENT_HOURS = 600
#: Persons are dealt into so many groups; their differences say how uncertain calibration is.
GROUPS = 32
#: Cells in which persons leave a mark so that they can be counted without being listed (linear counting).
_CELLS = 1 << 14
#: Sums are whole billionths, so that they do not depend on the order.
_UNIT = 1e9


@dataclass(frozen=True, slots=True)
class Drift:
    """``measure``: psi, ks, missing, mean score, alert rate or observed/expected. ``feature``: ``score`` and ``outcome``
    beside the model's inputs. ``act``: beyond the upper bound; otherwise worth a look. ``text``: one sentence for the
    operator."""

    model: str
    feature: str
    measure: str
    value: float
    bound: float
    text: str
    act: bool = True


class DriftWatch:
    """Raises ``ModelError`` for rows that do not have the reference's features.

    Memory, whatever happens: about 5.7 kB a feature and 0.2 MB.
    """

    def __init__(self, model: str, reference: Reference) -> None:
        rows = len(reference.names)
        self._model, self._reference = model, reference
        self._cuts = np.where(np.isnan(reference.cuts), np.inf, reference.cuts)
        #: Per day and feature: values up to each cut, above the last one, and missing.
        self._counts = np.zeros((DAYS, rows, CUTS + 2), np.uint32)
        #: Per day: rows, sum of the scores, alerts.
        self._sums = np.zeros((DAYS, 3), np.int64)
        self._days = np.full(DAYS, -1, np.int64)
        #: Per day and group of persons: events seen, sum of the probabilities.
        self._outcomes = np.zeros((OUTCOME_DAYS, GROUPS, 2), np.int64)
        self._outcome_days = np.full(OUTCOME_DAYS, -1, np.int64)
        self._seen = np.full(_CELLS, -1, np.int64)

    def note(
        self, features: NDArray[np.float32], probability: F64, alert: NDArray[np.bool_], patients: I64, at: int
    ) -> None:
        """One row a person, decided at measured time ``at`` (microseconds UTC). Only decisions of the first quarter of an hour
        count, so that a person counts once an hour. ``patients``: a number that stays with a person, over restarts too.
        ``features`` (n, k), NaN = missing. Rows older than ``DAYS`` before the newest are left out.
        """
        if features.shape != (len(probability), len(self._reference.names) - 1):
            raise ModelError(
                f"drift of {self._model}: rows of shape {features.shape} for {len(self._reference.names) - 1} features"
            )
        if at % HOUR >= QUARTER or not len(probability):
            return
        slot = _slot(at // DAY, self._days, self._counts, self._sums)
        if slot is None:
            return
        for row, column in enumerate((*features.T, probability.astype(np.float32))):
            place = np.where(np.isnan(column), CUTS + 1, np.searchsorted(self._cuts[row], column, side="left"))
            self._counts[slot, row] += np.bincount(place, minlength=CUTS + 2).astype(np.uint32)
        self._sums[slot] += (len(probability), _billionths(probability).sum(), np.count_nonzero(alert))
        np.maximum.at(self._seen, (_mixed(patients) % np.uint64(_CELLS)).astype(np.int64), at // DAY)

    def note_outcomes(self, probability: F64, happened: NDArray[np.bool_], patients: I64, at: int) -> None:
        """What became of predictions of time ``at``, once it is known: one row a person, once an hour, as in ``note``."""
        if at % HOUR >= QUARTER or not len(probability):
            return
        slot = _slot(at // DAY, self._outcome_days, self._outcomes)
        if slot is not None:
            group = (_mixed(patients) % np.uint64(GROUPS)).astype(np.int64)
            np.add.at(
                self._outcomes[slot], group, np.stack([happened.astype(np.int64), _billionths(probability)], axis=1)
            )

    def patients(self) -> int:
        """About how many persons the days that count are from (within 2 % at 10,000)."""
        marked = float(np.mean(self._seen > int(self._days.max()) - DAYS)) if self._days.max() >= 0 else 0.0
        return round(-_CELLS * float(np.log1p(-min(marked, 1 - 1 / _CELLS))))

    def found(self) -> list[Drift]:
        """What has drifted, the model's inputs before what follows from them, the worst first; empty as well while too few
        persons or hours are known."""
        tests: list[DriftTest] = []
        patients, counted = self.patients(), self._days > self._days.max() - DAYS
        rows, score, alerts = (int(total) for total in self._sums[counted].sum(axis=0))
        if patients >= LEAST_PATIENTS and rows >= LEAST_ROWS:
            counts = self._counts[counted].sum(axis=0, dtype=np.int64)
            for row, feature in enumerate(self._reference.names):
                tests += feature_tests(self._reference, row, feature, counts[row], patients)
            tests += score_tests(self._reference, score / _UNIT / rows, alerts / rows, patients)
        recent = self._outcome_days > self._outcome_days.max() - OUTCOME_DAYS
        observed, expected = (self._outcomes[recent].sum(axis=0) / (1, _UNIT)).T
        if max(observed.sum(), expected.sum()) >= LEAST_EVENT_HOURS:
            tests += outcome_tests(observed, expected)
        beyond = sorted(
            held(tests), key=lambda test: (test.feature in (SCORE, OUTCOME), not test.act, -test.times_bound)
        )
        return [
            Drift(self._model, one.feature, one.measure, one.value, one.bound, f"{self._model}: {one.text}", one.act)
            for one in beyond
        ]

    def snapshot(self) -> dict[str, NDArray[np.generic]]:
        """Copies; ``restore`` takes them up again."""
        return {name: array.copy() for name, array in self._arrays().items()}

    def restore(self, saved: Mapping[str, NDArray[np.generic]]) -> None:
        """Raises ``ModelError`` when the arrays belong to another reference; then nothing has changed."""
        own = self._arrays()
        fits = saved.keys() == own.keys() and all(
            saved[name].shape == array.shape and saved[name].dtype == array.dtype for name, array in own.items()
        )
        if not fits:
            raise ModelError(f"drift of {self._model}: what was counted belongs to another model")
        for name, array in own.items():
            array[...] = saved[name]

    def _arrays(self) -> dict[str, NDArray[np.generic]]:
        return {
            "counts": self._counts,
            "sums": self._sums,
            "days": self._days,
            "outcomes": self._outcomes,
            "outcome_days": self._outcome_days,
            "seen": self._seen,
        }


def _slot(day: int, days: I64, *rings: NDArray[np.generic]) -> int | None:
    """Where the day is counted, emptied of the day that was there before; None when it is too long ago."""
    slot = int(day % len(days))
    if days[slot] > day or day <= int(days.max()) - len(days):
        return None
    if days[slot] < day:
        days[slot] = day
        for ring in rings:
            ring[slot] = 0
    return slot


def _mixed(patients: I64) -> NDArray[np.uint64]:
    """Numbers that follow one another are spread evenly (the last steps of splitmix64)."""
    mixed = patients.astype(np.uint64)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    result: NDArray[np.uint64] = mixed ^ (mixed >> np.uint64(31))
    return result


def _billionths(probability: F64) -> I64:
    return np.rint(probability * _UNIT).astype(np.int64)
