"""Finds people, devices and streams by the ids that FHIR shows. One a request."""

from __future__ import annotations

from functools import cached_property

from api.care import View
from api.context import Context
from api.fhir.ids import fhir_id, found_in, short
from vigil.domain.errors import NotFound
from vigil.domain.people import MANUAL_PREFIX, SELF_TEST_PREFIX, Binding, Device, Patient, is_test
from vigil.domain.readings import Stream


class Chart:
    """The self-test's people and devices, and the pseudo devices of entries by hand, are nobody's business outside; nor is who
    is not in ``seen``, or what he wears."""

    def __init__(self, here: Context, seen: View) -> None:
        self.readings = here.deps.readings
        self.records = here.deps.records
        self._seen = seen
        self._patients: dict[str, Patient | None] = {}

    def patient(self, asked: str) -> Patient | None:
        """By its FHIR id."""
        own = asked
        if asked.startswith("h-"):
            own = found_in((one.patient_id for one in self.patients()), asked) or asked
        found = self.person(own)
        return found if found is not None and fhir_id(found.patient_id) == asked else None

    def by_digest(self, digest: str) -> Patient | None:
        return next((one for one in self.patients() if short(one.patient_id) == digest), None)

    def patients(self) -> list[Patient]:
        """Discharged ones too."""
        found = self.records.patients(include_discharged=True)
        return [one for one in found if self._seen.patient(one.patient_id)]

    def person(self, patient_id: str) -> Patient | None:
        """By our id."""
        if patient_id not in self._patients:
            self._patients[patient_id] = self._read(patient_id)
        return self._patients[patient_id]

    def _read(self, patient_id: str) -> Patient | None:
        if is_test(patient_id) or not self._seen.patient(patient_id):
            return None
        try:
            return self.records.patient(patient_id)
        except NotFound:
            return None

    @cached_property
    def devices(self) -> dict[str, Device]:
        """By FHIR id."""
        hidden = (MANUAL_PREFIX, SELF_TEST_PREFIX)
        known = (one for one in self.records.devices() if self._seen.device(one.device_id))
        return {fhir_id(one.device_id): one for one in known if not one.device_id.startswith(hidden)}

    @cached_property
    def bindings(self) -> list[Binding]:
        return [one for one in self.records.bindings() if self._seen.patient(one.patient_id)]

    @cached_property
    def _bound(self) -> dict[str, list[Binding]]:
        """By device."""
        found: dict[str, list[Binding]] = {}
        for one in self.bindings:
            found.setdefault(one.device_id, []).append(one)
        return found

    @cached_property
    def _streams_of(self) -> dict[str, list[Stream]]:
        found: dict[str, list[Stream]] = {}
        for one in self.streams.values():
            found.setdefault(one.device_id, []).append(one)
        return found

    @cached_property
    def streams(self) -> dict[int, Stream]:
        return {one.stream: one for one in self.readings.streams()}

    def streams_of(self, device_id: str) -> list[Stream]:
        return self._streams_of.get(device_id, [])

    def wearer(self, device_id: str, at: int) -> str | None:
        """Our id of who wore the device then."""
        return next((one.patient_id for one in self._bound.get(device_id, ()) if one.covers(at)), None)

    def of_others(self, device_id: str, at: int) -> bool:
        """Did somebody wear the device then whose record is not to be seen?"""
        return self._seen.worn_by_others(device_id, at)

    def wearer_now(self, device_id: str) -> Patient | None:
        running = next((one.patient_id for one in self._bound.get(device_id, ()) if one.end is None), None)
        return self.person(running) if running is not None else None
