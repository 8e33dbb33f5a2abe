"""What a model said of each person a quarter of an hour at a time, remembered for the hours in which it steadies later scores.

A score follows from its window alone: every value of the hours that the model looks back on. So what was said of a window 12 h
ago is what would be said of it now, to the last bit, as long as nothing in it has changed. That is told by a digest of 64 bits:
a late reading gives another one, and the window is looked at anew. Two windows of one person and quarter have the same digest by
chance in one of about 10^19 cases.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from analytics.risk.compiled import compiled
from analytics.risk.features import FEATURE_SETS, FeatureSet
from analytics.risk.features.contract import Rows
from analytics.risk.hours import Hours
from analytics.risk.predictor import Look, Predictor
from analytics.risk.sides import side_by_side
from analytics.risk.steady import earlier, steadied
from vigil.domain.readings import F64, I64
from vigil.domain.times import HOUR

U64 = NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class _Said:
    """(people,) each: of the windows that ended at one moment."""

    ids: tuple[str, ...]
    digest: U64
    raw: F64
    answers: NDArray[np.bool_]

    def places(self, ids: tuple[str, ...]) -> I64:
        """Of each of ``ids``; -1 = was not asked about then."""
        if ids == self.ids:
            return np.arange(len(ids))
        place = {one: number for number, one in enumerate(self.ids)}
        return np.array([place.get(one, -1) for one in ids], np.int64)


@dataclass(slots=True)
class Recall:
    """Of one model, and one thread; by the end of the quarter. Memory: 26 bytes a person and quarter, so 2.5 kB a person where
    scores of a day ago are asked for."""

    _said: dict[int, _Said] = field(default_factory=dict)

    def __len__(self) -> int:
        """Quarters of an hour."""
        return len(self._said)

    def look(self, predictor: Predictor, hours: Hours, at: int) -> Look:
        """As ``predictor.look`` of the last hour of each person, which ends at ``at`` (microseconds UTC)."""
        features, now = FEATURE_SETS[predictor.feature_set], hours.starts[1:] - 1
        rows = np.stack([now, *earlier(now, hours.starts, predictor.earlier_h)])
        digest = digests(hours, features, rows)
        raw, answers, known = np.zeros(rows.shape), np.zeros(rows.shape, np.bool_), rows < 0
        for look, ago in enumerate(predictor.earlier_h, start=1):
            self._fill(at - ago * HOUR, hours.ids, digest[look], raw[look], answers[look], known[look])
        asked = np.flatnonzero(~known)  # all of now, then what is not remembered
        matrix = features.compute(hours, rows.reshape(-1)[asked])
        raw.reshape(-1)[asked], answers.reshape(-1)[asked] = predictor.raw(matrix), predictor.answers(matrix)
        self._keep(at, max(predictor.earlier_h, default=0), _Said(hours.ids, digest[0], raw[0], answers[0]))
        places = [np.where(rows[look] < 0, -1, look * len(now) + np.arange(len(now))) for look in range(1, len(rows))]
        return Look(matrix[: len(now)], answers[0], steadied(raw.reshape(-1), answers.reshape(-1), places))

    def _fill(
        self, at: int, ids: tuple[str, ...], digest: U64, raw: F64, answers: NDArray[np.bool_], known: NDArray[np.bool_]
    ) -> None:
        said = self._said.get(at)
        if said is None:
            return
        place = said.places(ids)
        same = ~known & (place >= 0) & (said.digest[place] == digest)
        raw[same], answers[same], known[same] = said.raw[place[same]], said.answers[place[same]], True

    def _keep(self, at: int, back_h: int, said: _Said) -> None:
        self._said[at] = said
        for each in [each for each in self._said if not at - back_h * HOUR <= each <= at]:
            del self._said[each]


def digests(hours: Hours, features: FeatureSet, rows: Rows) -> U64:
    """(looks, people) of the windows that end at ``rows`` (looks, people), the newest look first; -1 = none. Of all that a
    feature is made of but the number of the hour, which a set for the stream does not know."""
    columns = tuple(np.ascontiguousarray(hours.columns[name], np.float32).view(np.uint32) for name in features.columns)
    by_column, by_age = _keys(len(columns)), _keys(features.lookback_h + 1)
    first, out = hours.starts[:-1].astype(np.int64), np.zeros(rows.shape, np.uint64)
    kernel = compiled(digest_kernel)

    def fill(some: slice) -> None:
        kernel(columns, first[some], rows[:, some], by_column, by_age, out[:, some])

    side_by_side(rows.shape[1], fill)
    return out


def _keys(count: int) -> U64:
    """Odd, the same each time."""
    return np.random.default_rng(count).integers(0, 2**63, count, dtype=np.uint64) * np.uint64(2) + np.uint64(1)


def digest_kernel(
    columns: tuple[NDArray[np.uint32], ...], first: I64, rows: I64, by_column: U64, by_age: U64, out: U64
) -> None:
    """Each hour is mixed once, however many of the windows hold it."""
    spread, half, lookback = by_column[0], np.uint64(32), by_age.size
    hour = np.empty(0, np.uint64)
    for i in range(first.size):
        begin, count = first[i], rows[0, i] + 1 - first[i]
        if hour.size < count:
            hour = np.empty(count, np.uint64)
        hour[:count] = 0
        for column in range(by_column.size):
            values, key = columns[column], by_column[column]
            for at in range(count):
                mixed = np.uint64(values[begin + at]) * spread
                hour[at] += (mixed ^ (mixed >> half)) * key
        for look in range(rows.shape[0]):
            total = np.uint64(0)
            end = rows[look, i] - begin
            for ago in range(min(lookback, end + 1)):
                mixed = hour[end - ago]
                total += (mixed ^ (mixed >> half)) * by_age[ago]
            out[look, i] = total
