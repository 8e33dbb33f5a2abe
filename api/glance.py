"""What a card shows of the past: a trend arrow a vital, one small curve, and what the score was."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

import numpy as np

from api.current import Current, Layout
from api.recent import BUCKET_US, CURVE, FULL_ARROW, Recent, trends
from api.score_course import ScoreCourse
from api.shape import Json
from vigil.domain.readings import F64, I64
from vigil.domain.times import MINUTE
from vigil.domain.vitals import BY_NAME, VITALS
from vigil.runtime.clock import Clock

#: Trends move slowly: they are judged once in this time.
EVERY_US = MINUTE

#: The vital whose curve stands on every card.
SPARK = "spo2"

_SHOWN = np.array([BY_NAME[name].index for name in FULL_ARROW])
_SPARK = BY_NAME[SPARK].index
_FULL = np.zeros(len(VITALS))
_FULL[_SHOWN] = list(FULL_ARROW.values())


@dataclass(slots=True)
class Told:
    """What is new: trend words, curves, and what the score was, by patient."""

    trends: dict[str, dict[str, str]] = field(default_factory=dict)
    sparks: dict[str, dict[str, list[tuple[int, float]]]] = field(default_factory=dict)
    befores: dict[str, Json | None] = field(default_factory=dict)


class Glance:
    """Not safe from several threads: its owner holds a lock."""

    def __init__(self, recent: Recent, course: ScoreCourse, clock: Clock) -> None:
        self._recent = recent
        self._course = course
        self._clock = clock
        self._layout: Layout | None = None
        self._judged_at = 0
        self._told_bucket = -1
        self._streams: I64 = np.empty(0, np.int64)
        self._trends: dict[str, dict[str, str]] = {}
        self._starts: I64 = np.empty(0, np.int64)
        self._curves: dict[str, F64] = {}
        self._drawn: dict[str, dict[str, list[tuple[int, float]]]] = {}

    def trend(self, patient_id: str) -> dict[str, str]:
        """Word by vital; a vital that was never measured is not named."""
        return self._trends.get(patient_id, {})

    def sparks(self, patient_id: str) -> dict[str, list[tuple[int, float]]]:
        """Points (Unix ms, value) of the last four hours; times without value are left out."""
        drawn = self._drawn.get(patient_id)
        if drawn is None:
            drawn = self._drawn[patient_id] = self._draw(self._curves.get(patient_id))
        return drawn

    def before(self, patient_id: str) -> Json | None:
        """Bounds of the score in the four hours before the last one; None when it was not known."""
        return self._course.before(patient_id)

    def _draw(self, curve: F64 | None) -> dict[str, list[tuple[int, float]]]:
        if curve is None:
            return {}
        held = ~np.isnan(curve)
        times, values = (self._starts[held] // 1000).tolist(), curve[held].round(1).tolist()
        return {SPARK: list(zip(times, values, strict=True))}

    def refresh(self, layout: Layout, current: Current | None, patients: Collection[str]) -> Told:
        """Once a minute, or when the layout is another: whose trend words changed; each 5 min all curves."""
        told = Told()
        if current is None:
            return told
        rows = np.flatnonzero(np.isin(layout.vital, _SHOWN) & (current.candidate >= 0))
        self._streams, since = layout.stream_of(current.candidate[rows])
        self._recent.refresh()
        self._recent.reserve(self._streams)
        now = self._clock.now_us()
        if layout is not self._layout or now - self._judged_at >= EVERY_US:
            self._layout, self._judged_at = layout, now
            self._judge(layout, rows, since, told)
            told.befores = self._course.refresh(patients)
            if now // BUCKET_US != self._told_bucket:
                self._told_bucket = now // BUCKET_US
                told.sparks = {patient_id: self.sparks(patient_id) for patient_id in self._curves}
        return told

    def seed(self) -> None:
        """Fetches some of what was before the start."""
        self._recent.seed(self._streams)
        self._course.seed()

    def _judge(self, layout: Layout, rows: I64, since: I64, told: Told) -> None:
        self._starts, means = self._recent.means(self._streams, since)
        self._starts = self._starts[-CURVE:]
        vital = layout.vital[rows]
        words = trends(means, _FULL[vital])
        found: dict[str, dict[str, str]] = {}
        self._curves, self._drawn = {}, {}
        for place, (row, word) in enumerate(zip(rows.tolist(), words, strict=True)):
            patient_id, index = layout.rows[row]
            found.setdefault(patient_id, {})[VITALS[index].name] = word
            if index == _SPARK:
                self._curves[patient_id] = means[place, -CURVE:]
        told.trends = {one: words for one, words in found.items() if words != self._trends.get(one)}
        self._trends = found
