"""Follow the records: a new binding, an edited limit, a discharge take effect before the next reading is judged."""

from __future__ import annotations

from analytics.changes import Change
from analytics.conditions import Conditions
from analytics.directory import SCHEDULE, Directory
from analytics.finding_alerts import FindingAlerts
from analytics.lapses import LIMIT_CHANGED, reconfigure
from analytics.limit_alerts import LIMIT, UNVERIFIED, LimitAlerts
from analytics.risk.stream.live import RiskStream
from analytics.scores.live import Scores
from analytics.settle import Settle
from analytics.state import State
from analytics.watch import Watch
from vigil.bus.board import Board
from vigil.domain.errors import StoreError


class Upkeep:
    def __init__(
        self,
        state: State,
        directory: Directory,
        conditions: Conditions,
        limit_alerts: LimitAlerts,
        finding_alerts: FindingAlerts,
        settle: Settle,
        scores: Scores,
        watch: Watch,
        board: Board,
        risk: RiskStream | None = None,
    ) -> None:
        self._state = state
        self._directory = directory
        self._conditions = conditions
        self._limit_alerts = limit_alerts
        self._finding_alerts = finding_alerts
        self._settle = settle
        self._scores = scores
        self._watch = watch
        self._board = board
        self._risk = risk
        self._patients: set[str] = set()
        self._configured = 0

    def follow_records(self, now: int) -> None:
        """Raises ``StoreError`` when a binding that readings belong to is gone."""
        turned = self._directory.move_to(now)
        if self._directory.refresh():
            self.rebuild(now)
        elif turned:
            self._take_limits_of_the_hour(turned, now)

    def _take_limits_of_the_hour(self, patients: list[str], now: int) -> None:
        slots = sorted(slot for patient_id in patients for slot in self._state.slots.of(patient_id))
        self._limit_alerts.take([change for slot in slots for change in self._reconfigured(slot)])
        self._settle.withdraw(now)

    def rebuild(self, now: int) -> None:
        """Take over everything on record; what lost its ground is withdrawn."""
        slots = self._state.slots
        if not slots.reindex():
            raise StoreError("a binding that readings belong to is not on record any more")
        self._state.extend()
        numbers = self._state.engine.numbers
        self._conditions.rebuild(self._state.telling.told, numbers[LIMIT], numbers[UNVERIFIED])
        self._finding_alerts.rebuild(self._state.telling)
        self._limit_alerts.take([change for slot in range(slots.size) for change in self._reconfigured(slot)])
        self._configured = slots.size
        self._settle.withdraw(now)
        gone = self._patients - self._directory.patients.keys()
        for patient_id in gone:
            self._board.forget(patient_id)
        self._scores.forget(gone)
        self._patients = set(self._directory.patients)
        self._watch.look_at_everyone()
        if self._risk is not None:
            self._risk.follow_records()

    def configure_new_slots(self) -> None:
        """Give the slots that the last batch brought their limits."""
        slots = self._state.slots
        self._state.extend()
        for slot in range(self._configured, slots.size):
            self._reconfigured(slot)
        self._configured = slots.size

    def _reconfigured(self, slot: int) -> list[Change]:
        patient_id = self._state.slots.patient[slot]
        if not patient_id:
            return reconfigure(self._state, slot, None, "")
        policy, version = self._directory.policy(patient_id), self._directory.policy_version(patient_id)
        reason = SCHEDULE if self._directory.turned(patient_id) else LIMIT_CHANGED
        return reconfigure(self._state, slot, policy, version, reason)
