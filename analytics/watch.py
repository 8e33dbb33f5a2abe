"""Who must be looked at this second because data are missing or come again; everyone else costs nothing."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from analytics.alerting import Alerting
from analytics.coverage import CoverageLight, old_inputs
from analytics.directory import Directory
from analytics.freshness import look
from analytics.missing import Missing
from analytics.outage_rule import OutageRule
from analytics.slots import Slots
from vigil.bus.board import Board
from vigil.domain.order import SILENT_PREFIXES
from vigil.domain.people import is_test
from vigil.domain.scores import Score


class Watch:
    def __init__(self, slots: Slots, directory: Directory, alerting: Alerting, board: Board) -> None:
        self._slots = slots
        self._directory = directory
        self._alerting = alerting
        self._missing = Missing(slots, directory, alerting)
        self._outage = OutageRule(slots, directory, alerting)
        self._coverage = CoverageLight(slots, directory, board)
        self._code = np.empty(0, np.int8)
        self._known_slots = -1
        self._silent: set[str] = set()
        self._everyone = True
        self._behind = False
        self._old_inputs: dict[str, tuple[str, ...]] = {}
        self._rescored: set[str] = set()
        self._paused: set[str] = set()

    def look_at_everyone(self) -> None:
        """The records changed: who wears what may have, too."""
        self._everyone = True

    def note_scores(self, scores: Iterable[Score]) -> None:
        """An input that grew too old, or came again, changes the coverage."""
        for score in scores:
            old = old_inputs(score)
            if self._old_inputs.get(score.patient_id, ()) != old:
                self._old_inputs[score.patient_id] = old
                self._rescored.add(score.patient_id)

    def tick(self, now: int, live_since: int | None, *, behind: bool = False) -> None:
        """``behind``: readings wait to be judged although the backlog of the start was worked off."""
        if (behind or live_since is None) is not self._behind:
            self._behind, self._everyone = not self._behind, True
        resumed, paused = self._directory.resumed(now), self._directory.paused(now)
        freshness = look(self._slots, now, now if live_since is None else live_since, resumed)
        code = freshness.code
        changed = np.ones(code.size, np.bool_)
        old = self._code[: code.size]
        changed[: old.size] = code[: old.size] != old
        self._code = code
        patients = {self._slots.patient[slot] for slot in np.flatnonzero(changed | (freshness.level > 0))}
        if self._everyone or self._known_slots != self._slots.size:
            self._silent = self._with_silent_sensor(now)
            self._known_slots = self._slots.size
        patients |= self._silent | self._with_gap_alert() | self._rescored
        self._rescored = set()
        patients |= self._paused | paused
        self._paused = paused
        if self._everyone:
            patients.update(self._directory.patients)
            self._everyone = False
        for patient_id in sorted(one for one in patients & self._directory.patients.keys() if not is_test(one)):
            if patient_id in paused:
                self._missing.withdraw(patient_id)
            elif live_since is not None:
                self._missing.judge(patient_id, freshness, now, max(live_since, resumed.get(patient_id, 0)))
            self._coverage.judge(patient_id, freshness, now, behind=self._behind)
        if live_since is not None:
            self._outage.tick(freshness, now, live_since)

    def _with_silent_sensor(self, now: int) -> set[str]:
        """Patients with a worn sensor that has not sent anything."""
        heard = set(self._slots.binding[: self._slots.size].tolist())
        return {
            patient_id
            for patient_id in self._directory.patients
            if any(binding.binding_id not in heard for binding in self._directory.sensors_on(patient_id, now))
        }

    def _with_gap_alert(self) -> set[str]:
        return {
            alert.patient_id
            for alert in self._alerting.book.open_alerts()
            if alert.active and alert.rule.startswith(SILENT_PREFIXES)
        }
