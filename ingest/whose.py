"""Marks weights that the wearer of the scale can hardly have, and asks whose they are.

Each weight is compared with the newest one of the same patient that counted, from whatever device or person it came. That is read
from the store and carried on through the batch: so a restart, and how messages fall into batches, change no mark.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ingest.batch import Columns, Pack
from ingest.bind import Binder
from ingest.whose_alert import WhoseAlert
from vigil.domain.people import Binding
from vigil.domain.quality import GATED, Quality
from vigil.domain.whose import WEIGHT, Weight, WhoseQuestion, jumps
from vigil.store import ReadingStore, RecordStore

#: Rows looked at once for one that counted (ours).
_PAGE = 64


class Whose:
    def __init__(self, readings: ReadingStore, records: RecordStore, binder: Binder, alert: WhoseAlert) -> None:
        self._readings = readings
        self._records = records
        self._binder = binder
        self._alert = alert

    def mark(self, packs: list[Pack], columns: Columns) -> int:
        """Returns how many were marked. Their questions are recorded before they are stored: a kill in between leaves a question
        that the message, which comes again, does not double; the other order would leave a value that nobody is asked about."""
        counts = columns.keep & (columns.vital == WEIGHT)
        counts &= ((columns.quality & np.uint16(GATED)) == 0) & ~np.isnan(columns.value)
        rows = np.flatnonzero(counts).tolist()
        if not rows:
            return 0
        known = _Known(self._readings, self._binder)
        found = [(row, self._question(packs[columns.pack[row]].device_id, columns, row, known)) for row in rows]
        questions = {row: question for row, question in found if question is not None}
        if questions:
            self._records.ask_whose(list(questions.values()))
            columns.quality[list(questions)] |= np.uint16(Quality.WHOSE_UNKNOWN)
        self._alert.tell(questions.values(), known.fitting)
        return len(questions)

    def _question(self, device_id: str, columns: Columns, row: int, known: _Known) -> WhoseQuestion | None:
        """None: it counts, and is known from now on. A device that nobody wears has no one to compare with."""
        new = Weight(int(columns.measured_at[row]), float(columns.value[row]))
        patient_id = self._binder.wearer(device_id, new.at)
        if patient_id is None:
            return None
        last = known.newest(patient_id)
        if last is not None and jumps(last, new):
            sent, received = int(columns.device_time[row]), int(columns.received_at[row])
            return WhoseQuestion(device_id, patient_id, new, sent, last, received)
        if last is None or new.at >= last.at:
            known.put(patient_id, new)
        return None


class _Known:
    """The newest weight that counted, by patient, for one batch. ``fitting``: of this batch alone."""

    def __init__(self, readings: ReadingStore, binder: Binder) -> None:
        self._readings = readings
        self._binder = binder
        self._latest = readings.latest()
        self._scales: dict[str, list[int]] = {}
        for stream in readings.streams():
            if stream.vital == WEIGHT:
                self._scales.setdefault(stream.device_id, []).append(stream.stream)
        self._weights: dict[str, Weight | None] = {}
        self.fitting: dict[str, Weight] = {}

    def newest(self, patient_id: str) -> Weight | None:
        if patient_id not in self._weights:
            self._weights[patient_id] = self._stored(self._binder.worn(patient_id))
        return self._weights[patient_id]

    def put(self, patient_id: str, weight: Weight) -> None:
        self._weights[patient_id] = self.fitting[patient_id] = weight

    def _stored(self, worn: Sequence[Binding]) -> Weight | None:
        found = [
            self._within(stream, one.start, one.end) for one in worn for stream in self._scales.get(one.device_id, ())
        ]
        return max((one for one in found if one is not None), key=lambda one: one.at, default=None)

    def _within(self, stream: int, start: int, end: int | None) -> Weight | None:
        """Of [start, end). Rows are read only where the newest of the stream is a later wearer's."""
        at = int(self._latest.measured_at[stream])  # 0 = none that counted
        if at < max(start, 1):
            return None
        if end is None or at < end:
            return Weight(at, float(self._latest.value[stream]))
        while True:
            page = self._readings.range([stream], start, end, _PAGE)
            good = np.flatnonzero(((page.quality & np.uint16(GATED)) == 0) & ~np.isnan(page.value))
            if good.size:
                return Weight(int(page.measured_at[good[-1]]), float(page.value[good[-1]]))
            if len(page) < _PAGE:
                return None
            end = int(page.measured_at[0])
