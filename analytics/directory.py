"""Who wears what under which policy: the records as analytics needs them, read again only when they changed."""

from __future__ import annotations

from collections.abc import Container

from analytics.calling.outage import EVERYWHERE, OF_WARD, is_outage
from vigil.domain.alerts import Alert
from vigil.domain.errors import PolicyError
from vigil.domain.pauses import Pause
from vigil.domain.people import MANUAL_PREFIX, Binding, Device, Patient, is_test
from vigil.domain.policy import DEFAULT_POLICY, Policy, in_force
from vigil.domain.schedules import next_turn
from vigil.domain.self_test import SELF_TEST_POLICY
from vigil.domain.teams import Team, team_of_ward
from vigil.store import WardRecords

#: Why an alert was withdrawn: another time of day brought another limit.
SCHEDULE = "schedule"


class Directory:
    """``patients`` holds those who are not discharged, the self-test's too. ``turned_at``: when a schedule last changed limits,
    server time in microseconds."""

    def __init__(self, records: WardRecords) -> None:
        self._records = records
        self._revision: int | None = None
        self._policies: dict[str, Policy] = {}
        self._versions: dict[int, str] = {}
        self._now: int | None = None
        self._turn_at: int | None = None
        self._scheduled: dict[str, Policy] = {}
        self._in_force: dict[int, Policy] = {}
        # None = just started: whoever has schedules may have missed a turn.
        self._turned: Container[str] | None = None
        self.turned_at = 0
        self._by_device: dict[str, list[Binding]] = {}
        self._by_patient: dict[str, list[Binding]] = {}
        self.by_id: dict[int, Binding] = {}
        self.patients: dict[str, Patient] = {}
        self._teams: list[Team] = []
        self._pauses: dict[str, Pause] = {}
        self.devices: dict[str, Device] = {}

    @property
    def revision(self) -> int:
        return self._revision or 0

    def refresh(self) -> bool:
        """Read the records again when their revision changed; whether it did."""
        revision = self._records.revision()
        if revision == self._revision:
            return False
        self.patients = {patient.patient_id: patient for patient in self._records.patients(include_test=True)}
        self.devices = {device.device_id: device for device in self._records.devices()}
        self._teams = self._records.teams()
        self._pauses = {one.patient_id: one for one in self._records.newest_pauses()}
        self._policies = {}
        self._forget_times()
        self._turned = None if self._revision is None else ()
        self._by_device, self._by_patient, self.by_id = {}, {}, {}
        for binding in self._records.bindings():
            self.by_id[binding.binding_id] = binding
            if binding.patient_id in self.patients:
                self._by_device.setdefault(binding.device_id, []).append(binding)
                self._by_patient.setdefault(binding.patient_id, []).append(binding)
        self._revision = revision
        return True

    def move_to(self, now: int) -> list[str]:
        """Let the time of day be that of ``now``, server time; the patients for whom other limits hold than before."""
        if self._now is None:
            self.turned_at = now
        self._now = now
        if self._turn_at is None or now < self._turn_at:
            return []
        self.turned_at, scheduled = self._turn_at, self._scheduled
        self._forget_times()
        before = {patient_id: self._policies[patient_id] for patient_id in scheduled}
        self._policies |= {patient_id: self._at_this_time(patient_id, whole) for patient_id, whole in scheduled.items()}
        turned = [patient_id for patient_id, policy in before.items() if self._policies[patient_id] != policy]
        self._turned = set(turned)
        return turned

    def _forget_times(self) -> None:
        self._versions, self._in_force, self._scheduled, self._turn_at = {}, {}, {}, None

    def turned(self, patient_id: str) -> bool:
        """Did a schedule bring the patient's limits of now, and not somebody who edited them?"""
        return patient_id in (self._scheduled if self._turned is None else self._turned)

    def cause(self, reason: str) -> str:
        """What a withdrawal came from, as the cause of a line in an alert's log."""
        return f"deadline:{self.turned_at}" if reason == SCHEDULE else f"command:revision-{self.revision}"

    def policy(self, patient_id: str) -> Policy:
        """What holds for the patient at this time of day; the self-test has a policy that nobody can change. Patients with the
        same documents share one object. Raises ``PolicyError`` for schedules where nobody says what time it is."""
        if is_test(patient_id):
            return SELF_TEST_POLICY
        policy = self._policies.get(patient_id)
        if policy is None:
            policy = self._at_this_time(patient_id, self._records.policy(patient_id) or DEFAULT_POLICY)
            self._policies[patient_id] = policy
        return policy

    def _at_this_time(self, patient_id: str, whole: Policy) -> Policy:
        if not whole.schedules:
            return whole
        if self._now is None:
            raise PolicyError(["schedule: a back-test cannot follow times of day"])
        self._scheduled[patient_id] = whole
        if id(whole) not in self._in_force:
            self._in_force[id(whole)] = in_force(whole, self._now)
            turns = [self._turn_at, next_turn(whole.schedules, whole.timezone, self._now)]
            self._turn_at = min((turn for turn in turns if turn is not None), default=None)
        return self._in_force[id(whole)]

    def pause(self, patient_id: str, now: int) -> Pause | None:
        """The planned one that runs."""
        found = self._pauses.get(patient_id)
        return found if found is not None and found.runs(now) else None

    def paused(self, now: int) -> set[str]:
        return {patient_id for patient_id, one in self._pauses.items() if one.runs(now)}

    def resumed(self, now: int) -> dict[str, int]:
        """By patient whose monitoring was paused once: when the last pause ended. Silence counts from there at the earliest."""
        return {patient_id: one.over_at for patient_id, one in self._pauses.items() if one.over_at <= now}

    def team(self, patient_id: str) -> Team:
        """Who answers for the patient."""
        return team_of_ward(self._teams, self.ward(patient_id))

    def ward_of(self, alert: Alert) -> str:
        """The ward that answers for the alert: the patient's, or the one whose devices are silent."""
        if is_outage(alert) and alert.rule != EVERYWHERE:
            return alert.rule.removeprefix(OF_WARD)
        return self.ward(alert.patient_id)

    def team_of(self, alert: Alert) -> Team:
        return team_of_ward(self._teams, self.ward_of(alert))

    def teams(self) -> list[Team]:
        return self._teams

    def ward(self, patient_id: str) -> str:
        patient = self.patients.get(patient_id)
        return "" if patient is None else patient.ward

    def policy_version(self, patient_id: str) -> str:
        """The version of the policy in force, kept because it is a hash of the whole policy."""
        policy = self.policy(patient_id)
        if id(policy) not in self._versions:
            self._versions[id(policy)] = policy.version
        return self._versions[id(policy)]

    def binding_at(self, device_id: str, at: int) -> Binding | None:
        """Who wore the device then, among the patients who are not discharged."""
        bindings = self._by_device.get(device_id, ())
        return next((binding for binding in reversed(bindings) if binding.covers(at)), None)

    def bindings_of(self, patient_id: str) -> list[Binding]:
        """All of a patient's bindings, ended ones too; the pseudo device for manual entries is left out."""
        found = self._by_patient.get(patient_id, [])
        return [binding for binding in found if not binding.device_id.startswith(MANUAL_PREFIX)]

    def sensors_on(self, patient_id: str, at: int) -> list[Binding]:
        return [binding for binding in self.bindings_of(patient_id) if binding.covers(at)]

    def interval_s(self, device_id: str, vital: str, usual: float | None) -> float | None:
        """Expected seconds between values of a device's vital."""
        device = self.devices.get(device_id)
        return usual if device is None else device.interval_s.get(vital, usual)
