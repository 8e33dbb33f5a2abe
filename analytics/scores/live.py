"""NEWS2 of each patient from the streams he has now.

Continuous vitals count by the median of their last minute, stale after 5 minutes; spot checks by the newest value, stale after
1 h for breathing, SpO2 and pulse, after 12 h for the rest, consciousness and oxygen too (ours, needs clinical sign-off). Of two
sensors the better signal counts, then the fresher, then the lower stream number.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache

import numpy as np

from analytics.directory import Directory
from analytics.quality import STUCK, WEAK, doubt_rank
from analytics.scores.persistence import RESCORE
from analytics.slots import Slots
from analytics.windows import Windows
from vigil.bus.board import Board
from vigil.domain.news2 import GCS_ALERT, INPUTS, News2, News2Inputs, half_up, news2
from vigil.domain.people import Patient, is_test
from vigil.domain.phrases import english
from vigil.domain.readings import I64
from vigil.domain.scores import Score, ScorePart, ScoreStatus
from vigil.domain.times import MINUTE
from vigil.domain.vitals import ACVPU, BY_NAME, ROOM_AIR_FIO2, VITALS
from vigil.store import ReadingHistory

#: An unchanged score is stored again after this.
STORE_AGAIN = MINUTE
#: ``ScorePart.doubt``; the catalogue of phrases has the words.
STILL, WEAK_SIGNAL = "still", "weak"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

#: Which vitals tell an input; the newest of them counts.
SOURCES: dict[str, tuple[int, ...]] = {
    "oxygen": (BY_NAME["o2_flow"].index, BY_NAME["fio2"].index),
    "consciousness": (BY_NAME["consciousness"].index, BY_NAME["gcs"].index),
    **{name: (BY_NAME[name].index,) for name in ("resp_rate", "spo2", "bp_sys", "heart_rate", "body_temp")},
}
_INPUT_OF = {index: name for name, indexes in SOURCES.items() for index in indexes}
#: By vital index: does it tell an input?
_SCORED = np.zeros(len(VITALS), np.bool_)
_SCORED[list(_INPUT_OF)] = True


@dataclass(frozen=True, slots=True)
class Input:
    """What one input of the score is now. ``value`` in the vital's unit; ``quality``: its bits, ``STUCK`` among them."""

    vital: int
    value: float
    measured_at: int
    stale: bool
    quality: int = 0


@dataclass(slots=True)
class _Columns:
    """The arrays as plain lists, which are quicker to read one by one."""

    vital: list[int]
    valid_at: list[int]
    value: list[float]
    quality: list[int]
    start: list[int]
    end: list[int]
    stale: list[int]
    stream: list[int]
    median: list[float | None]


@lru_cache(maxsize=65_536)
def _half_up(value: float, digits: int) -> float:
    """Rounding in decimal takes microseconds, and a chart has few different values."""
    return half_up(value, digits)


@lru_cache(maxsize=65_536)
def _points(inputs: News2Inputs, scale2: bool, age: int, pregnant: bool) -> News2:
    return news2(inputs, scale2=scale2, age=age, pregnant=pregnant)


class Scores:
    def __init__(
        self,
        slots: Slots,
        windows: Windows,
        directory: Directory,
        readings: ReadingHistory,
        board: Board,
        stuck: Callable[[], Collection[int]],
    ) -> None:
        """``stuck``: slots whose value stands still now."""
        self._stuck = stuck
        self._slots = slots
        self._windows = windows
        self._directory = directory
        self._readings = readings
        self._board = board
        self._touched = np.zeros(256, np.bool_)
        self._scored_at: dict[str, int] = {}
        self._stored: dict[str, Score] = {}

    def touch(self, slot: I64) -> None:
        """These slots have new values; -1 is left out."""
        self._extend()
        self._touched[slot[slot >= 0]] = True

    def _extend(self) -> None:
        """Slots come with readings, and with the snapshot of the last run."""
        if self._touched.size < self._slots.size:
            grown = np.zeros(2 * self._slots.size, np.bool_)
            grown[: self._touched.size] = self._touched
            self._touched = grown

    def tick(self, now: int) -> list[Score]:
        """Score again whoever has new values or old inputs: to the board at once, to the store when it changed."""
        self._windows.refresh()
        patients = self._due(now)
        if not patients:
            return []
        columns = self._columns()
        scores = [self._score(self._directory.patients[patient_id], columns, now) for patient_id in patients]
        for score in scores:
            self._scored_at[score.patient_id] = now
            self._board.put_score(score)
        self._store(scores)
        return scores

    def scored_at(self, patient_id: str) -> int:
        """When the patient's score was last made, 0 = never."""
        return self._scored_at.get(patient_id, 0)

    def pass_over(self, patient_id: str, at: int) -> None:
        """As if the patient's score had last been made at ``at``, 0 = never, and nothing had come since."""
        if at:
            self._scored_at[patient_id] = at
        self.untouch()

    def untouch(self) -> None:
        """As if nothing had come since the last score."""
        self._touched[:] = False

    def forget(self, gone: Iterable[str]) -> None:
        for patient_id in gone:
            self._scored_at.pop(patient_id, None)
            self._stored.pop(patient_id, None)

    def _due(self, now: int) -> list[str]:
        self._extend()
        size = self._slots.size
        scored = _SCORED[self._slots.vital[:size]]
        touched = np.flatnonzero(self._touched[:size] & scored)
        due = {self._slots.patient[slot] for slot in touched}
        self._touched[:size] = False
        due.update(patient for patient, at in self._scored_at.items() if now - at >= RESCORE)
        return sorted(one for one in due if one in self._directory.patients and not is_test(one))

    def _columns(self) -> _Columns:
        size, slots = self._slots.size, self._slots
        quality = slots.valid_quality[:size].tolist()
        for slot in self._stuck():
            quality[slot] |= STUCK
        return _Columns(
            vital=slots.vital[:size].tolist(),
            valid_at=slots.valid_at[:size].tolist(),
            value=slots.valid_value[:size].tolist(),
            quality=quality,
            start=slots.start[:size].tolist(),
            end=slots.end[:size].tolist(),
            stale=slots.stale[:size].tolist(),
            stream=slots.stream[:size].tolist(),
            median=self._windows.medians(),
        )

    def _score(self, patient: Patient, columns: _Columns, now: int) -> Score:
        inputs = self._inputs(patient.patient_id, columns, now)
        fresh = {name: found for name, found in inputs.items() if not found.stale}
        today = (_EPOCH + timedelta(microseconds=now)).date()
        result = _points(_news2_inputs(fresh), bool(patient.spo2_scale2_by), patient.age(today), patient.pregnant)
        parts = tuple(_part(name, inputs.get(name), result.points[name], now) for name in INPUTS)
        return Score(
            name="news2",
            patient_id=patient.patient_id,
            at=now,
            status=result.status,
            total=result.total,
            lower=result.lower,
            upper=result.upper,
            band=result.band,
            single_3=result.single_3,
            parts=() if result.status is ScoreStatus.NOT_APPLICABLE else parts,
            missing=result.missing,
            why="" if result.why is None else english(result.why),
            said=result.why,
        )

    def _inputs(self, patient_id: str, columns: _Columns, now: int) -> dict[str, Input]:
        best: dict[str, tuple[tuple[bool, int, int, int], Input]] = {}
        for slot in self._slots.of(patient_id):
            vital, at = columns.vital[slot], columns.valid_at[slot]
            name = _INPUT_OF.get(vital)
            if name is None or not at or not columns.start[slot] <= now < columns.end[slot]:
                continue
            stale = now - at > columns.stale[slot]
            # Flow and fraction of oxygen, ACVPU and GCS are different words for one fact: the newest counts.
            alike = len(SOURCES[name]) > 1
            rank = 0 if stale or alike else doubt_rank(columns.quality[slot])
            order = (stale, rank, -at, columns.stream[slot])
            if name not in best or order < best[name][0]:
                median = columns.median[slot]
                value = columns.value[slot] if median is None else median
                best[name] = (order, Input(vital, value, at, stale, columns.quality[slot]))
        return {name: found for name, (_, found) in best.items()}

    def _store(self, scores: list[Score]) -> None:
        changed = [score for score in scores if self._is_news(score)]
        if changed:
            self._stored.update((score.patient_id, score) for score in changed)
            self._readings.append_scores(changed)

    def _is_news(self, score: Score) -> bool:
        last = self._stored.get(score.patient_id)
        if last is None or score.at - last.at >= STORE_AGAIN:
            return True
        return (score.total, score.lower, score.upper, score.status) != (
            last.total, last.lower, last.upper, last.status,
        )  # fmt: skip


def _news2_inputs(fresh: dict[str, Input]) -> News2Inputs:
    """Values already rounded as on the chart, so that equal ones are scored once."""

    def rounded(name: str, digits: int = 0) -> float | None:
        return _half_up(fresh[name].value, digits) if name in fresh else None

    return News2Inputs(
        resp_rate=rounded("resp_rate"),
        spo2=rounded("spo2"),
        oxygen=on_oxygen(fresh["oxygen"]) if "oxygen" in fresh else None,
        bp_sys=rounded("bp_sys"),
        heart_rate=rounded("heart_rate"),
        alert=is_alert(fresh["consciousness"]) if "consciousness" in fresh else None,
        body_temp=rounded("body_temp", 1),
    )


def on_oxygen(found: Input) -> bool:
    """By flow in L/min (0 = room air) or by inspired fraction in % (room air is 21)."""
    return found.value > (ROOM_AIR_FIO2 if VITALS[found.vital].name == "fio2" else 0.0)


def is_alert(found: Input) -> bool:
    """A of ACVPU (coded 0); a Glasgow Coma Scale of 15 maps to A, anything below to "not A"."""
    return found.value >= GCS_ALERT if VITALS[found.vital].name == "gcs" else found.value == 0


def _part(name: str, found: Input | None, points: int | None, now: int) -> ScorePart:
    if found is None:
        return ScorePart(name, None, None, None, None)
    value: float | str = _half_up(found.value, VITALS[found.vital].digits)
    if name == "oxygen":
        value = "oxygen" if on_oxygen(found) else "air"
    elif name == "consciousness":
        gcs = VITALS[found.vital].name == "gcs"
        value = f"GCS {found.value:.0f}" if gcs else ACVPU[int(found.value)]
    age_s = max(0.0, (now - found.measured_at) / 1e6)
    doubt = "" if found.stale else _doubt(found.quality)
    return ScorePart(name, value, None if found.stale else points, found.measured_at, age_s, found.stale, doubt)


def _doubt(quality: int) -> str:
    if quality & STUCK:
        return STILL
    return WEAK_SIGNAL if quality & WEAK else ""
