"""Episodes of the detectors that look at several streams of one patient, minute by minute."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from analytics.engine.compiled import Kernels
from analytics.episodes import Episode, merged
from analytics.patient_detectors.disagreement import MARGINS, disagreement
from analytics.patient_detectors.multivariate import COLUMNS, LEARNT_FROM, SEED, Model, train, training_end
from analytics.patient_detectors.runs import FRESH, Memory, Span, runs
from analytics.scores.minutes import MinuteInputs, PatientReadings, PatientSlots, summaries
from vigil.domain.errors import InvalidInput
from vigil.domain.readings import F64, I64
from vigil.domain.times import MINUTE
from vigil.domain.vitals import BY_NAME

Mask = NDArray[np.bool_]


def disagreements(readings: PatientReadings, slots: PatientSlots, kernels: Kernels) -> dict[str, list[Episode]]:
    """By vital: when two of the patient's sensors for it did not agree."""
    alike = {vital: np.flatnonzero(slots.vital == BY_NAME[vital].index).tolist() for vital in MARGINS}
    if max(len(each) for each in alike.values()) < 2:
        return {}
    minute, slot, _, value, _ = summaries(readings, slots, kernels)
    found: dict[str, list[Episode]] = {}
    for vital, margin in MARGINS.items():
        spans: list[Episode] = []
        for one, other in combinations(alike[vital], 2):
            ends, a, b = _side_by_side(minute, value, slot == one, slot == other)
            spans += _episodes(*disagreement(ends, a, b, margin))
        if spans:
            found[vital] = merged(spans, low=False)
    return found


def _side_by_side(minute: I64, value: F64, one: Mask, other: Mask) -> tuple[I64, F64, F64]:
    """The minutes in which both sensors spoke, by their ends, and what each said."""
    both, a, b = np.intersect1d(minute[one], minute[other], assume_unique=True, return_indices=True)
    return (both + 1) * MINUTE, value[one][a], value[other][b]


def combinations_found(minutes: MinuteInputs) -> list[Episode]:
    """When the vitals together were unusual for the person. The model of every 6 h learns from the day before it; where there
    are too few minutes there is none, and nothing is odd."""
    at, vectors = minutes.minute_end, minutes.inputs[:, COLUMNS]
    memory: Memory = FRESH
    ended: list[Span] = []
    model_of = np.array([training_end(minute) for minute in at.tolist()], np.int64)
    for end in np.unique(model_of).tolist():
        now = model_of == end
        model = _model(at, vectors, end)
        size = np.full(int(now.sum()), np.nan) if model is None else model.score(vectors[now]) - model.odd_above
        more, memory = runs(at[now], size, 0.0, memory)
        ended += more
    return _episodes(ended, memory)


def _model(at: I64, vectors: F64, end: int) -> Model | None:
    day = vectors[(at > end - LEARNT_FROM) & (at <= end)]
    try:
        return train(day, SEED)
    except InvalidInput:
        return None


def _episodes(ended: list[Span], memory: Memory) -> list[Episode]:
    spans = ended if memory.open is None else [*ended, memory.open]
    return [Episode(span.began, span.ended, span.largest, span.told, 1, span.told, span.ended or 0) for span in spans]
