"""Who wears what under which policy: the records as analytics needs them, read again only when they changed."""

from __future__ import annotations

from vigil.domain.people import MANUAL_PREFIX, Binding, Device, Patient
from vigil.domain.policy import DEFAULT_POLICY, Policy
from vigil.store import WardRecords


class Directory:
    """``patients`` holds those who are not discharged."""

    def __init__(self, records: WardRecords) -> None:
        self._records = records
        self._revision: int | None = None
        self._policies: dict[str, Policy] = {}
        self._versions: dict[str, str] = {}
        self._by_device: dict[str, list[Binding]] = {}
        self._by_patient: dict[str, list[Binding]] = {}
        self.by_id: dict[int, Binding] = {}
        self.patients: dict[str, Patient] = {}
        self.devices: dict[str, Device] = {}

    @property
    def revision(self) -> int:
        return self._revision or 0

    def refresh(self) -> bool:
        """Read the records again when their revision changed; whether it did."""
        revision = self._records.revision()
        if revision == self._revision:
            return False
        self.patients = {patient.patient_id: patient for patient in self._records.patients()}
        self.devices = {device.device_id: device for device in self._records.devices()}
        self._policies, self._versions = {}, {}
        self._by_device, self._by_patient, self.by_id = {}, {}, {}
        for binding in self._records.bindings():
            self.by_id[binding.binding_id] = binding
            if binding.patient_id in self.patients:
                self._by_device.setdefault(binding.device_id, []).append(binding)
                self._by_patient.setdefault(binding.patient_id, []).append(binding)
        self._revision = revision
        return True

    def policy(self, patient_id: str) -> Policy:
        """The patient's own policy, else the default one."""
        policy = self._policies.get(patient_id)
        if policy is None:
            policy = self._records.policy(patient_id) or DEFAULT_POLICY
            self._policies[patient_id] = policy
        return policy

    def policy_version(self, patient_id: str) -> str:
        """The version of the policy in force, kept because it is a hash of the whole document."""
        if patient_id not in self._versions:
            self._versions[patient_id] = self.policy(patient_id).version
        return self._versions[patient_id]

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
