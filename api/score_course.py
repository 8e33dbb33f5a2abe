"""What NEWS2 was in the four hours before the last one, of each patient: the number beside which the card shows the score.

Kept in memory: the worst score of each 5 min, looked at once a minute on the board; what was before the start is read from the
store, a few patients at a time. Nothing is judged by it.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from api.recent import BUCKET_US, KEPT, LAST_HOUR, LEAST_BEFORE, medians, seeding
from api.shape import Json
from vigil.bus.board import Board
from vigil.domain.scores import Score
from vigil.runtime.clock import Clock
from vigil.store import ReadingStore


class ScoreCourse:
    """A row a patient, a ring of buckets each. Not safe from several threads: its owner holds a lock."""

    def __init__(self, readings: ReadingStore, board: Board, clock: Clock) -> None:
        self._readings = readings
        self._board = board
        self._clock = clock
        self._rows: dict[str, int] = {}
        #: Lower and upper bound; the bucket that they are of, 0 = none.
        self._bounds = np.zeros((0, 2, KEPT))
        self._bucket = np.zeros((0, KEPT), np.int64)
        self._unseeded: list[str] = []
        self._befores: dict[str, Json] = {}

    def before(self, patient_id: str) -> Json | None:
        return self._befores.get(patient_id)

    def refresh(self, patients: Collection[str]) -> dict[str, Json | None]:
        """Once a minute. Tells of whom it is another than the last time."""
        if self._rows.keys() != set(patients):
            self._keep(sorted(patients))
        bucket = self._clock.now_us() // BUCKET_US
        for patient_id, row in self._rows.items():
            score = self._board.score(patient_id)
            if score is not None:
                self._put(row, score, bucket)
        befores = self._judge(bucket)
        told = {one: befores.get(one) for one in self._rows if befores.get(one) != self._befores.get(one)}
        self._befores = befores
        return told

    def seed(self) -> None:
        """Reads the past of some patients, of each once. Call it again and again."""
        until = (self._clock.now_us() // BUCKET_US + 1) * BUCKET_US
        for patient_id in seeding(self._unseeded[::-1], self._clock):
            self._unseeded.pop()
            for score in self._readings.worst_scores(patient_id, until - KEPT * BUCKET_US, until, KEPT):
                self._put(self._rows[patient_id], score, score.at // BUCKET_US)

    def _put(self, row: int, score: Score, bucket: int) -> None:
        """The worst of a bucket stays; one in which there was none yet begins anew."""
        if score.lower is None or score.upper is None:
            return
        place = bucket % KEPT
        if self._bucket[row, place] > bucket:
            return
        if self._bucket[row, place] < bucket or score.lower > self._bounds[row, 0, place]:
            self._bounds[row, :, place] = score.lower, score.upper
            self._bucket[row, place] = bucket

    def _keep(self, patients: list[str]) -> None:
        """Rows for these and no others; who stays keeps his."""
        bounds = np.zeros((len(patients), 2, KEPT))
        bucket = np.zeros((len(patients), KEPT), np.int64)
        held = [(new, self._rows[one]) for new, one in enumerate(patients) if one in self._rows]
        if held:
            new, old = np.array(held).T
            bounds[new], bucket[new] = self._bounds[old], self._bucket[old]
        waiting = set(self._unseeded)
        self._unseeded = [one for one in patients if one not in self._rows or one in waiting]
        self._rows = {one: row for row, one in enumerate(patients)}
        self._bounds, self._bucket = bounds, bucket

    def _judge(self, newest: int) -> dict[str, Json]:
        wanted = np.arange(newest - KEPT + 1, newest - LAST_HOUR + 1)
        place = wanted % KEPT
        bounds = np.where((self._bucket[:, place] == wanted)[:, None, :], self._bounds[:, :, place], np.nan)
        enough = (~np.isnan(bounds[:, 0])).sum(axis=1) >= LEAST_BEFORE
        lower, upper = (np.floor(medians(bounds[:, side]) + 0.5) for side in (0, 1))
        return {
            one: {"lower": int(lower[row]), "upper": int(upper[row])} for one, row in self._rows.items() if enough[row]
        }
