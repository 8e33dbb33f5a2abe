"""Who is learned from and who is judged: always whole patients, drawn by seed."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from analytics.risk.train.task import Table

#: With a single split, one patient in so many is set aside.
ASIDE = 4

Patients = NDArray[np.int64]


def events_of(table: Table) -> NDArray[np.bool_]:
    """(patients,) True where a judged row bears the label."""
    patients = int(table.patient.max()) + 1
    return np.bincount(table.patient[table.judged], table.y[table.judged], patients) > 0


def folds_of(event: NDArray[np.bool_], folds: int, seed: int) -> NDArray[np.int64]:
    """(patients,) number of each one's fold. Every fold has the same share of patients with the event, to within one patient.

    >>> fold = folds_of(np.array([True, False] * 10), 5, 1)
    >>> np.bincount(fold).tolist(), np.bincount(fold[::2]).tolist()
    ([4, 4, 4, 4, 4], [2, 2, 2, 2, 2])
    """
    order = np.random.default_rng(seed).permutation(len(event))
    order = order[np.argsort(event[order], kind="stable")]
    fold = np.empty(len(event), np.int64)
    fold[order] = np.arange(len(event)) % folds
    return fold


def inner_splits(
    learned: Patients, event: NDArray[np.bool_], folds: int, seed: int
) -> Iterator[tuple[Patients, Patients]]:
    """Pairs of patients to learn from and to look at, all of them among ``learned``; ``folds`` 1 = a single pair."""
    fold = folds_of(event[learned], ASIDE if folds == 1 else folds, seed)
    for each in range(folds):
        yield learned[fold != each], learned[fold == each]


def rows_of(patients: Patients, table: Table, which: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Rows of these patients among ``which`` (rows,)."""
    chosen = np.zeros(int(table.patient.max()) + 1, np.bool_)
    chosen[patients] = True
    return np.flatnonzero(chosen[table.patient] & which)


def starts_in(patient: NDArray[np.int64]) -> NDArray[np.int64]:
    """(stays + 1,) where each patient's rows begin, for rows that come patient by patient.

    >>> starts_in(np.array([3, 3, 7])).tolist()
    [0, 2, 3]
    """
    return np.append(np.flatnonzero(np.diff(patient, prepend=-1)), len(patient)).astype(np.int64)
