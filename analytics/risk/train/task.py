"""What distinguishes one thing to be foretold from another: all that the five steps of training ask for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analytics.risk.card.card import ModelCard
from analytics.risk.evaluate.events import CHALLENGE, Setting
from analytics.risk.evaluate.report import Baseline, Report
from analytics.risk.hours import Hours
from analytics.risk.predictor import Needs

Floats = NDArray[np.float64]
Matrix = NDArray[np.float32]
#: Plain arrays by name: what step 1 keeps of the recordings. No name of a patient is among them.
Data = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Collected:
    """``facts``: for people, as JSON can hold them: patients, hours, events, values refused by column."""

    data: Data
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows to learn from and rows to be judged on; a row may be both. (rows,) each, ``x`` (rows, features).

    ``patient``: number from 0 of whom the row is of; nobody is ever on both sides of a split. ``y``: the label, 0 or 1.
    ``target``: what is learned, 0 or 1 (may be wider than the label). ``weight``: of the row in learning, 0 = not learned from.
    ``judged``: the row counts in the report; judged rows come patient by patient, in the order of ``Task.hours``.
    """

    x: Matrix
    patient: NDArray[np.int64]
    y: NDArray[np.int8]
    target: NDArray[np.int8]
    weight: NDArray[np.float32]
    judged: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Candidate:
    """``make(seed)``: an estimator that has seen no data, takes all features (NaN = not known), and has ``decision_function``.
    ``most_rows``: it learns from a sample of so many at most, where all of them would take too long."""

    make: Callable[[int], Any]
    most_rows: int | None = None


@dataclass(frozen=True, slots=True)
class Split:
    """A test on people unlike those learned from. ``learned``, ``judged``: numbers of the patients, none in both."""

    name: str
    learned: NDArray[np.int64]
    judged: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Summary:
    """What a card needs to know of a finished run. ``dated``: ISO date. ``facts``: those of step 1. ``chosen``: the candidate in
    the folder."""

    name: str
    label: str
    seed: int
    dated: str
    fingerprint: str
    facts: Mapping[str, Any]
    chosen: str
    threshold: float
    needs: Needs
    report: Report


def _no_splits(data: Data) -> Sequence[Split]:  # noqa: ARG001 - one signature for all tasks
    return ()


def _nothing_altered(data: Data, seed: int) -> Iterator[tuple[str, Data]]:  # noqa: ARG001
    return iter(())


@dataclass(frozen=True, slots=True)
class Task:
    """``name``: of the model; ``label``: what it foretells, as it is always called; ``names``: of the features.

    ``collect(path)``: read and clean; raises ``TableError``. ``features(data)``: the table, from ``data`` alone.
    ``hours(data)``: the judged rows with what is known of the people (age, sex, vitals), for groups and NEWS2. ``sources``: our
    modules and packages whose code decides what the steps give: all is done again when one has changed.

    ``candidates``: the simplest first. ``outer``: folds by patient (as many as patients = leave one out). ``inner``: folds in
    each, 1 = one split, a quarter of the patients aside. ``tie``: AUROC by which a simpler candidate may be worse than the best
    one and still be taken; None = as long as the paired 95 % interval of the difference holds 0.

    ``calibrate(raw, y)`` gives points and values, see ``Predictor``; ``threshold(y, probability, starts)`` the probability to
    alert from; both see only patients whom they are not judged on. ``answers(x)`` (rows,) True where the model has what it
    ``needs``. ``points(hours)``: NEWS2 of the judged rows, which decides elsewhere. ``baseline(data)``: what has to be beaten,
    None = NEWS2. ``earlier_h``: see ``Predictor``; only where the rows of a patient are hours without gaps.

    ``splits(data)`` and ``altered(data, seed)`` (name and data with fewer or other values, the same rows) are further tests.
    """

    name: str
    label: str
    feature_set: str
    names: tuple[str, ...]
    sources: tuple[str, ...]
    collect: Callable[[Path], Collected]
    features: Callable[[Data], Table]
    hours: Callable[[Data], Hours]
    candidates: Mapping[str, Candidate]
    calibrate: Callable[[Floats, NDArray[np.int8]], tuple[Floats, Floats]]
    threshold: Callable[[NDArray[np.int8], Floats, NDArray[np.int64]], float]
    answers: Callable[[Matrix], NDArray[np.bool_]]
    points: Callable[[Hours], NDArray[np.int16]]
    needs: Needs
    card: Callable[[Summary], ModelCard]
    baseline: Callable[[Data], Baseline] | None = None
    splits: Callable[[Data], Sequence[Split]] = _no_splits
    altered: Callable[[Data, int], Iterator[tuple[str, Data]]] = _nothing_altered
    setting: Setting = CHALLENGE
    outer: int = 5
    inner: int = 1
    tie: float | None = None
    earlier_h: tuple[int, ...] = ()
