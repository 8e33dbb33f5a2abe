"""Small stores in memory that keep the protocols' promises, quick enough to restart a process at every reading."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from vigil.domain.alerts import Alert, Transition
from vigil.domain.deliveries import Target
from vigil.domain.errors import NotFound, VersionConflict
from vigil.domain.pauses import Pause
from vigil.domain.people import Binding, Device, Patient, is_test
from vigil.domain.policy import BEDSIDE_POLICY, Policy
from vigil.domain.readings import ReadingBatch, Stream
from vigil.domain.risk import ModelState, Prediction
from vigil.domain.scores import Score
from vigil.domain.teams import Team
from vigil.store import Buckets, Commit, DeadLetter, Latest


class MemoryReadings:
    """Keeps batches and scores; what analytics does not ask for is not there."""

    def __init__(self) -> None:
        self.all = ReadingBatch.empty()
        self.known: list[Stream] = []
        self.stored_scores: list[Score] = []
        self.stored_predictions: list[Prediction] = []

    def stream(self, device_id: str, vital: int, site: str = "") -> int:
        for stream in self.known:
            if (stream.device_id, stream.vital, stream.site) == (device_id, vital, site):
                return stream.stream
        self.known.append(Stream(len(self.known), device_id, vital, site))
        return self.known[-1].stream

    def commit(self, batch: Commit) -> ReadingBatch:
        first = len(self.all) + 1
        ordinal = np.arange(first, first + len(batch.readings), dtype=np.uint64)
        stored = replace(batch.readings, ordinal=ordinal)
        self.all = ReadingBatch.concat([self.all, stored])
        return stored

    def streams(self) -> list[Stream]:
        return list(self.known)

    def after(self, ordinal: int, limit: int) -> ReadingBatch:
        return self.all.take(slice(ordinal, ordinal + limit))

    def head(self) -> int:
        return len(self.all)

    def append_scores(self, scores: Sequence[Score]) -> None:
        self.stored_scores += scores

    def scores(self, patient_id: str, start: int, end: int, limit: int) -> list[Score]:
        found = [s for s in self.stored_scores if s.patient_id == patient_id and start <= s.at < end]
        return found[-limit:]

    def append_predictions(self, predictions: Sequence[Prediction]) -> None:
        self.stored_predictions += predictions

    def predictions(
        self,
        patient_id: str,
        start: int,
        end: int,
        limit: int,
        *,
        model: str | None = None,
        state: ModelState | None = None,
    ) -> list[Prediction]:
        found = [
            one
            for one in sorted(self.stored_predictions, key=lambda one: one.at)
            if one.patient_id == patient_id
            and start <= one.at < end
            and model in (None, one.model)
            and state in (None, one.state)
        ]
        return found[-limit:]

    def latest_predictions(self) -> list[Prediction]:
        newest = {(one.patient_id, one.model): one for one in sorted(self.stored_predictions, key=lambda one: one.at)}
        return [newest[key] for key in sorted(newest)]

    def packs(self) -> Iterator[tuple[str, int, np.ndarray[tuple[int], np.dtype[np.uint32]]]]:
        raise NotImplementedError

    def pack_digest(self, device_id: str, epoch: int, seq: int) -> int | None:
        raise NotImplementedError

    def has_unsequenced(self, keys: Sequence[tuple[int, int]]) -> set[tuple[int, int]]:
        raise NotImplementedError

    def latest(self) -> Latest:
        raise NotImplementedError

    def range(self, streams: Sequence[int], start: int, end: int, limit: int) -> ReadingBatch:
        inside = (
            np.isin(self.all.stream, list(streams)) & (self.all.measured_at >= start) & (self.all.measured_at < end)
        )
        found = self.all.take(inside)
        return found.take(np.lexsort((found.ordinal, found.measured_at))[-limit:])

    def buckets(self, streams: Sequence[int], start: int, end: int, points: int) -> Buckets:
        raise NotImplementedError

    def delivered(self, device_id: str, since: int) -> int:
        raise NotImplementedError

    def dead_letters(
        self, limit: int, before_id: int | None, device_id: str | None, reason: str | None
    ) -> list[DeadLetter]:
        raise NotImplementedError

    def close(self) -> None:
        pass


class Killed(BaseException):
    """The process dies in the middle of its work."""


class MemoryRecords:
    """``die_after`` lines the next ``record`` raises ``Killed`` after it has stored its line, as a kill would strike."""

    def __init__(self) -> None:
        self._patients: dict[str, Patient] = {}
        self._devices: dict[str, Device] = {}
        self._bindings: list[Binding] = []
        self._pauses: dict[str, Pause] = {}
        self._policies: dict[str, Policy] = {}
        self._alerts: dict[str, Alert] = {}
        self._causes: set[tuple[str, str, str]] = set()
        self.all_teams: list[Team] = []
        self.shares: dict[str, tuple[int, int]] = {}
        self.shares_read = 0
        self._revision = 0
        self.log: list[Transition] = []
        self.told: list[tuple[Transition, tuple[Target, ...]]] = []
        self.refused: list[Transition] = []
        self.die_after: int | None = None

    def add_patient(self, patient: Patient) -> None:
        self.put_patient(patient)

    def patients(self, *, include_discharged: bool = False, include_test: bool = False) -> list[Patient]:
        found = [p for p in self._patients.values() if include_discharged or p.discharged_at is None]
        return [p for p in found if include_test or not p.test]

    def patient(self, patient_id: str) -> Patient:
        return self._patients[patient_id]

    def discharge(self, patient_id: str, at: int) -> None:
        self.put_patient(replace(self._patients[patient_id], discharged_at=at))
        for binding in self._bindings:
            if binding.patient_id == patient_id and binding.end is None:
                self.unbind(binding.device_id, at)

    def newest_pauses(self) -> list[Pause]:
        return list(self._pauses.values())

    def put_pause(self, pause: Pause) -> None:
        """Adds or replaces; not part of the protocol."""
        self._pauses[pause.patient_id] = pause
        self._revision += 1

    def put_patient(self, patient: Patient) -> None:
        """Adds or replaces; not part of the protocol."""
        self._patients[patient.patient_id] = patient
        self._revision += 1

    def put_device(self, device: Device) -> None:
        self._devices[device.device_id] = device
        self._revision += 1

    def devices(self) -> list[Device]:
        return list(self._devices.values())

    def bind(self, device_id: str, patient_id: str, start: int) -> Binding:
        self.unbind(device_id, start)
        binding = Binding(len(self._bindings) + 1, device_id, patient_id, start, None)
        self._bindings.append(binding)
        return binding

    def unbind(self, device_id: str, end: int) -> Binding | None:
        self._revision += 1
        for place, binding in enumerate(self._bindings):
            if binding.device_id == device_id and binding.end is None:
                self._bindings[place] = replace(binding, end=end)
                return self._bindings[place]
        return None

    def bindings(self) -> list[Binding]:
        return sorted(self._bindings, key=lambda binding: (binding.device_id, binding.start))

    def revision(self) -> int:
        return self._revision

    def put_policy(self, patient_id: str, policy: Policy, author: str, reason: str, at: int) -> None:
        self._policies[patient_id] = policy
        self._revision += 1

    def policy(self, patient_id: str) -> Policy | None:
        """Where nothing is said, the quick delays of the bedside hold: tests count seconds."""
        return self._policies.get(patient_id, BEDSIDE_POLICY)

    def teams(self) -> list[Team]:
        return self.all_teams

    def record(self, transition: Transition, targets: Sequence[Target] = ()) -> Transition | None:
        after = transition.after
        key = (after.patient_id, after.rule, transition.cause)
        if key in self._causes:
            self.refused.append(transition)
            return None
        known = self._alerts.get(after.alert_id)
        if after.version - 1 != (known.version if known is not None else 0):
            raise VersionConflict(after.alert_id)
        self._causes.add(key)
        self._alerts[after.alert_id] = after
        self.log.append(replace(transition, seq=len(self.log) + 1))
        self.told.append((self.log[-1], tuple(targets)))
        if self.die_after is not None and len(self.log) >= self.die_after:
            self.die_after = None
            raise Killed
        return self.log[-1]

    def alert(self, alert_id: str) -> Alert:
        if alert_id not in self._alerts:
            raise NotFound(alert_id)
        return self._alerts[alert_id]

    def alerts(
        self,
        *,
        patient_id: str | None = None,
        open_only: bool = False,
        resolved_since: int | None = None,
        limit: int = 10_000,
        include_test: bool = False,
    ) -> list[Alert]:
        found = [alert for alert in self._alerts.values() if patient_id in (None, alert.patient_id)]
        if patient_id is None and not include_test:
            found = [alert for alert in found if not is_test(alert.patient_id)]
        if open_only:
            found = [alert for alert in found if alert.open]
        elif resolved_since is not None:
            found = [alert for alert in found if alert.open or (alert.resolved_at or 0) >= resolved_since]
        return sorted(found, key=lambda alert: alert.opened_at, reverse=True)[:limit]

    def transitions(
        self, *, after_seq: int = 0, alert_id: str | None = None, limit: int = 10_000, include_test: bool = False
    ) -> list[Transition]:
        found = [line for line in self.log[after_seq:] if alert_id in (None, line.after.alert_id)]
        if alert_id is None and not include_test:
            found = [line for line in found if not is_test(line.after.patient_id)]
        return found[:limit]

    def true_share(self) -> dict[str, tuple[int, int]]:
        self.shares_read += 1
        return self.shares

    def forget_self_tests(self, before: int) -> int:
        """The log is the test's witness: nothing is deleted, what would be is counted."""
        return sum(is_test(line.after.patient_id) and line.at < before for line in self.log)

    def last_seq(self) -> int:
        return len(self.log)

    def close(self) -> None:
        pass
