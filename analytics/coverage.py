"""The coverage light: is this person watched now, since when not, and why not?"""

from __future__ import annotations

from analytics.directory import Directory
from analytics.freshness import Freshness
from analytics.slots import Slots
from analytics.wording import vital_word
from vigil.bus.board import Board
from vigil.domain.scores import Coverage, CoverageState
from vigil.domain.vitals import VITALS


class CoverageLight:
    def __init__(self, slots: Slots, directory: Directory, board: Board) -> None:
        self._slots = slots
        self._directory = directory
        self._board = board

    def judge(self, patient_id: str, freshness: Freshness, now: int) -> None:
        """Put the patient's coverage on the board when it changed; an unchanged state keeps its beginning."""
        state, since, why = self._state(patient_id, freshness, now)
        known = self._board.coverage(patient_id)
        if known is not None and known.state is state:
            since = known.since
            if known.why == why:
                return
        self._board.put_coverage(Coverage(patient_id, state, since, why))

    def _state(self, patient_id: str, freshness: Freshness, now: int) -> tuple[CoverageState, int, str]:
        sensors = self._directory.sensors_on(patient_id, now)
        if not sensors:
            ends = [binding.end for binding in self._directory.bindings_of(patient_id) if binding.end is not None]
            return CoverageState.NO_DEVICE, max(ends, default=now), "no device"
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
        if out:
            since = min(max(int(self._slots.valid_at[slot]) for slot in found) for found in out.values())
            return CoverageState.PARTLY, since or now, self._why(out, freshness)
        return CoverageState.WATCHED, now, ""

    def _why(self, out: dict[int, list[int]], freshness: Freshness) -> str:
        words = []
        for vital, found in sorted(out.items()):
            word = vital_word(VITALS[vital].name)
            bad = any(freshness.seen[slot] for slot in found)
            words.append(f"bad {word} signal" if bad else f"no {word}")
        return ", ".join(words)

    def _why_dark(self, out: dict[int, list[int]], silent: list[str], freshness: Freshness) -> str:
        if any(freshness.seen[slot] for found in out.values() for slot in found):
            return self._why(out, freshness)
        devices = sorted({self._slots.device[slot] for found in out.values() for slot in found} | set(silent))
        return f"no data from {', '.join(devices)}"
