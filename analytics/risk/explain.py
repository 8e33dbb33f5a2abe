"""Why a prediction is as high as it is: what each group of inputs does to it, in numbers and in a nurse's words.

A group's contribution is the model's log-odds for this person minus its log-odds for the same person with the group's values as
they are in a typical patient, each hour that was measured staying measured. So it is about values: what was never measured
contributes exactly 0, and a change over time counts like a level. Leaving a group out as "not measured" was tried first and given
up: in intensive care a model learns from *that* somebody was measured, so on set A blood pressure seemed to lower the risk of
90 % of all hours. Laboratory values and the stay, which a home has not, have no typical value here and are left out that way.

It is taken from the raw score, made as steep as the calibration is on the whole: the calibrated probability has steps, at which
small changes of a value would reorder the reasons. For a linear model it is exact: weight times distance from typical. It says
what the model used, not why somebody is ill; correlated groups share, and the contributions do not add up to the whole. The
three pressures are one group: without one of them the other two would say the same.

A group that moves the risk another way than a nurse expects of its value ("pulse 70, which raises the risk") is not named: it is
added to the others of its kind, as the course of the values over three days, which is what moves it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from analytics.risk.explain_words import REST, REST_SAID, TYPICAL, Course, words
from analytics.risk.features import FEATURE_SETS, FeatureSet
from analytics.risk.hours import Hours
from analytics.risk.predictor import Predictor
from vigil.domain.phrases import Phrase, english
from vigil.domain.risk import Contribution, RiskInput

#: What is explained together, and the Challenge's columns that it is measured by; every other column is of ``LABS``.
GROUPS: dict[str, tuple[str, ...]] = {
    "heart_rate": ("HR",),
    "resp_rate": ("Resp",),
    "body_temp": ("Temp",),
    "blood_pressure": ("SBP", "MAP", "DBP"),
    "spo2": ("O2Sat",),
    "age": ("Age",),
    "sex": ("Gender",),
    "stay": ("Unit1", "Unit2", "HospAdmTime"),
}
LABS = "labs"
#: So many reasons are told to a nurse, of all (the card) or of those that raise the risk (an alert); only they are kept as
#: phrases too, because each prediction keeps its contributions.
TOLD = 3

# Calibrated probabilities beyond one in ten thousand, below or above, are not told apart; 0 and 1 have no log-odds.
_LEAST = 1e-4

Rows = NDArray[np.int64]


def contributions(
    predictor: Predictor,
    hours: Hours,
    rows: Rows,
    inputs: Sequence[Sequence[RiskInput]] | None = None,
) -> list[tuple[Contribution, ...]]:
    """For each of ``rows`` of ``hours`` every group of the model's inputs, the strongest first; several may stand together as
    ``REST``. ``hours`` are cleaned.

    ``inputs``: where the stream knows them, each row's values with their ages to the second; without them ages are whole hours.
    Give up to three days before the rows where they are known: a person's usual values are read from them.
    """
    own, at = hours.of_rows(np.asarray(rows, np.int64))
    groups = groups_of(FEATURE_SETS[predictor.feature_set])
    exact = inputs if inputs is not None else [()] * len(at)
    found = []
    for row, shifts, known in zip(at.tolist(), moved(predictor, own, at), exact, strict=True):
        course = Course(own, row, {one.vital: one for one in known})
        told, rest = [], [0.0]
        for (group, columns), shift in zip(groups.items(), shifts.tolist(), strict=True):
            said = words(course, group, columns, shift)
            if said is None:
                rest.append(shift)
            else:
                told.append(_contribution(group, shift, said))
        if len(rest) > 1:
            told.append(_contribution(REST, sum(rest), REST_SAID))
        told.sort(key=lambda one: -abs(one.log_odds))
        raising = [one for one in told if one.log_odds > 0]
        kept = {one.group for one in (*told[:TOLD], *raising[:TOLD])}
        found.append(tuple(one if one.group in kept else replace(one, said=None) for one in told))
    return found


def _contribution(group: str, shift: float, said: Phrase) -> Contribution:
    return Contribution(group, shift, english(said), said)


def strongest(given: Iterable[Contribution], most: int = TOLD, least: float = 0.05) -> tuple[Contribution, ...]:
    """The ``most`` that move the risk most, up or down; what moves it by less than ``least`` log-odds (about one in twenty) is no
    reason to be told. What has no name stands last."""
    ordered = sorted(given, key=lambda one: -abs(one.log_odds))
    told = [one for one in ordered[:most] if abs(one.log_odds) >= least]
    return tuple(sorted(told, key=lambda one: one.group == REST))


def groups_of(features: FeatureSet) -> dict[str, tuple[str, ...]]:
    """Those that the set has, with their columns, in the order of the columns of ``moved``."""
    named = {column for columns in GROUPS.values() for column in columns}
    found = {group: tuple(one for one in columns if one in features.columns) for group, columns in GROUPS.items()}
    found[LABS] = tuple(one for one in features.columns if one not in named)
    return {group: columns for group, columns in found.items() if columns}


def moved(predictor: Predictor, hours: Hours, rows: Rows) -> NDArray[np.float64]:
    """(rows, groups) log-odds, above 0 = the group raises the risk."""
    features = FEATURE_SETS[predictor.feature_set]
    groups = groups_of(features)
    if not len(rows):
        return np.empty((0, len(groups)))
    whole = predictor.look(hours, rows).raw
    shifts = [whole - _typical_score(predictor, features, hours, rows, group, groups[group]) for group in groups]
    return _steepness(predictor) * np.stack(shifts, axis=1)


def _typical_score(
    predictor: Predictor, features: FeatureSet, hours: Hours, rows: Rows, group: str, columns: tuple[str, ...]
) -> NDArray[np.float64]:
    """Raw score with the group as in the typical patient; the mean where he may be one of two."""
    choices = TYPICAL.get(columns[0], (np.nan,))
    scores = np.zeros(len(rows))
    for place in range(len(choices)):
        values = {column: TYPICAL.get(column, (np.nan,))[place] for column in columns}
        # The number of the hour stands in no column of its own.
        hidden = np.array([one == "stay" for one in features.groups]) if group == "stay" else None
        scores += predictor.look(_with(hours, values), rows, hidden).raw
    return scores / len(choices)


def _with(hours: Hours, values: dict[str, float]) -> Hours:
    changed = {
        column: np.where(np.isnan(hours.columns[column]), np.float32(np.nan), np.float32(value))
        for column, value in values.items()
    }
    return Hours(hours.ids, hours.starts, hours.hour, {**hours.columns, **changed})


def _steepness(predictor: Predictor) -> float:
    """Log-odds of the calibrated probability per unit of the raw score: the straight line through the calibration's points."""
    points, values = predictor.calibration
    if len(points) < 2 or points[-1] == points[0]:
        return 1.0
    clipped = np.clip(values, _LEAST, 1 - _LEAST)
    odds, away = np.log(clipped / (1 - clipped)), points - points.mean()
    return float((away * odds).sum() / (away * away).sum())
