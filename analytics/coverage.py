"""The coverage light: is this person watched now, since when not, and why not?

Paused: somebody planned it so, until a stored time. Not watched: Vigil is behind with its readings, or nothing valid comes from
the devices. Partly: a vital is missing or bad, or an input of NEWS2 that was there is too old to count. An input that nobody ever
gave is no gap: the score says itself what it lacks, and a ward without thermometers would otherwise never see this light change.
"""

from __future__ import annotations

from analytics.directory import Directory
from analytics.freshness import Freshness
from analytics.slots import Slots
from vigil.bus.board import Board
from vigil.domain.phrases import Phrase, phrase
from vigil.domain.phrases.coverage import covered
from vigil.domain.scores import Coverage, CoverageState, Score
from vigil.domain.vitals import BY_NAME, VITALS


def old_inputs(score: Score) -> tuple[str, ...]:
    """Names of the inputs that were there once and are too old to count."""
    return tuple(part.name for part in score.parts if part.stale)


class CoverageLight:
    def __init__(self, slots: Slots, directory: Directory, board: Board) -> None:
        self._slots = slots
        self._directory = directory
        self._board = board

    def judge(self, patient_id: str, freshness: Freshness, now: int, *, behind: bool = False) -> None:
        """Put the patient's coverage on the board when it changed; an unchanged state keeps its beginning. ``behind``: readings
        wait to be judged, so that nothing that is known is about now."""
        state, since, why = self._state(patient_id, freshness, now)
        pause = self._directory.pause(patient_id, now)
        if pause is not None and state is not CoverageState.NO_DEVICE:
            why = phrase("coverage.paused")
            self._put(covered(patient_id, CoverageState.PAUSED, pause.start_at, why, pause.end_at))
            return
        if behind and state is not CoverageState.NO_DEVICE:
            state, since, why = CoverageState.NOT_WATCHED, now, phrase("coverage.behind")
        known = self._board.coverage(patient_id)
        if known is not None and known.state is state:
            since = known.since
        self._put(covered(patient_id, state, since, why))

    def _put(self, coverage: Coverage) -> None:
        if self._board.coverage(coverage.patient_id) != coverage:
            self._board.put_coverage(coverage)

    def _state(self, patient_id: str, freshness: Freshness, now: int) -> tuple[CoverageState, int, Phrase | None]:
        sensors = self._directory.sensors_on(patient_id, now)
        if not sensors:
            ends = [binding.end for binding in self._directory.bindings_of(patient_id) if binding.end is not None]
            return CoverageState.NO_DEVICE, max(ends, default=now), phrase("coverage.no_device")
        expected = [slot for slot in self._slots.of(patient_id) if freshness.expected[slot]]
        by_vital: dict[int, list[int]] = {}
        for slot in expected:
            by_vital.setdefault(int(self._slots.vital[slot]), []).append(slot)
        out = {vital: found for vital, found in by_vital.items() if not any(freshness.fresh[slot] for slot in found)}
        heard = {self._slots.device[slot] for slot in expected}
        silent = [binding.device_id for binding in sensors if binding.device_id not in heard]
        if len(out) == len(by_vital):
            begun = max(binding.start for binding in sensors)
            last = max((int(self._slots.valid_at[slot]) for slot in expected), default=0)
            return CoverageState.NOT_WATCHED, max(last, begun), self._why_dark(out, silent, freshness)
        old = self._old_inputs(patient_id, {VITALS[vital].name for vital in out})
        if out:
            since = min(max(int(self._slots.valid_at[slot]) for slot in found) for found in out.values())
            return CoverageState.PARTLY, since or now, phrase("coverage", parts=[*self._why(out, freshness), *old])
        return (CoverageState.PARTLY, now, old[0]) if old else (CoverageState.WATCHED, now, None)

    def _old_inputs(self, patient_id: str, said: set[str]) -> list[Phrase]:
        """What makes the score incomplete, without the vitals of ``said``; at most one entry."""
        score = self._board.score(patient_id)
        if score is None or not self._directory.policy(patient_id).news2:
            return []
        names = [name for name in old_inputs(score) if name not in said]
        inputs = [
            phrase("coverage.old.vital", vital=name) if name in BY_NAME else phrase(f"coverage.old.{name}")
            for name in names
        ]
        return [phrase("coverage.old", inputs=inputs)] if inputs else []

    def _why(self, out: dict[int, list[int]], freshness: Freshness) -> list[Phrase]:
        words = []
        for vital, found in sorted(out.items()):
            bad = any(freshness.seen[slot] for slot in found)
            words.append(phrase("coverage.bad_vital" if bad else "coverage.no_vital", vital=VITALS[vital].name))
        return words

    def _why_dark(self, out: dict[int, list[int]], silent: list[str], freshness: Freshness) -> Phrase:
        if any(freshness.seen[slot] for found in out.values() for slot in found):
            return phrase("coverage", parts=self._why(out, freshness))
        devices = sorted({self._slots.device[slot] for found in out.values() for slot in found} | set(silent))
        return phrase("coverage.no_data", devices=", ".join(devices))
