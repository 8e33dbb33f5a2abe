"""Patients, devices and bindings. Every change moves the revision in its own transaction."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, insert, select, update

from vigil.domain.errors import InvalidInput, NotFound
from vigil.domain.people import Binding, Device, Patient
from vigil.store.records.columns import not_test
from vigil.store.records.documents import binding_of, device_of
from vigil.store.records.names import Names
from vigil.store.records.revision import changed, revision
from vigil.store.records.tables import Tables


class People:
    """Statements on an open connection; the caller owns the transaction."""

    def __init__(self, tables: Tables, names: Names) -> None:
        self._t, self._names = tables, names

    def add_patient(self, con: Connection, patient: Patient) -> None:
        if self._has_patient(con, patient.patient_id):
            raise InvalidInput("a patient with this id exists already")
        self._names.add(con, patient)
        changed(con, self._t.counters)

    def patients(self, con: Connection, include_discharged: bool, include_test: bool) -> list[Patient]:
        t = self._t.patients
        query = self._names.asked().order_by(t.c.patient_id)
        if not include_discharged:
            query = query.where(t.c.discharged_at.is_(None))
        if not include_test:
            query = query.where(not_test(t.c.patient_id))
        return [self._names.opened(row) for row in con.execute(query).mappings()]

    def patient(self, con: Connection, patient_id: str) -> Patient:
        t = self._t.patients
        row = con.execute(self._names.asked().where(t.c.patient_id == patient_id)).mappings().one_or_none()
        if row is None:
            raise NotFound("no such patient")
        return self._names.opened(row)

    def discharge(self, con: Connection, patient_id: str, at: int) -> None:
        self._require_patient(con, patient_id)
        t, b = self._t.patients, self._t.bindings
        con.execute(update(t).where(t.c.patient_id == patient_id, t.c.discharged_at.is_(None)).values(discharged_at=at))
        running = (b.c.patient_id == patient_id) & b.c.end_at.is_(None)
        con.execute(update(b).where(running & (b.c.start_at <= at)).values(end_at=at))
        changed(con, self._t.counters)

    def put_device(self, con: Connection, device: Device) -> None:
        t = self._t.devices
        values = asdict(device)
        if con.execute(update(t).where(t.c.device_id == device.device_id).values(values)).rowcount == 0:
            con.execute(insert(t).values(values))
        changed(con, self._t.counters)

    def devices(self, con: Connection) -> list[Device]:
        t = self._t.devices
        return [device_of(row._asdict()) for row in con.execute(select(t).order_by(t.c.device_id))]

    def bind(self, con: Connection, device_id: str, patient_id: str, start: int) -> Binding:
        t = self._t.bindings
        self._require_device(con, device_id)
        self._require_patient(con, patient_id)
        last = self._last_binding(con, device_id)
        if last is not None:
            if last["patient_id"] == patient_id and (
                last["end_at"] is None or last["start_at"] <= start < last["end_at"]
            ):
                return self._continued(con, last)
            # Also not before the end of a binding that is over: a moment must never belong to two patients.
            free_from = last["start_at"] if last["end_at"] is None else last["end_at"]
            if start < free_from:
                raise InvalidInput(f"device {device_id} was bound at that time already")
            if last["end_at"] is None:
                con.execute(update(t).where(t.c.binding_id == last["binding_id"]).values(end_at=start))
        values: dict[str, Any] = {"device_id": device_id, "patient_id": patient_id, "start_at": start}
        done = con.execute(insert(t).values(values).returning(t.c.binding_id)).scalar_one()
        changed(con, self._t.counters)
        return Binding(done, device_id, patient_id, start, None)

    def _continued(self, con: Connection, last: dict[str, Any]) -> Binding:
        """The same patient goes on wearing the device: no moment changes hands."""
        if last["end_at"] is not None:
            t = self._t.bindings
            con.execute(update(t).where(t.c.binding_id == last["binding_id"]).values(end_at=None))
            changed(con, self._t.counters)
        return binding_of({**last, "end_at": None})

    def claim(self, con: Connection, device_id: str, patient_id: str, start: int, end: int) -> Binding:
        if not start < end:
            raise InvalidInput("a span ends after it starts")
        t = self._t.bindings
        self._require_device(con, device_id)
        self._require_patient(con, patient_id)
        worn = (t.c.start_at < end) & (t.c.end_at.is_(None) | (t.c.end_at > start))
        if con.execute(select(t.c.binding_id).where(t.c.device_id == device_id, worn)).first() is not None:
            raise InvalidInput(f"device {device_id} was bound in that span already")
        values: dict[str, Any] = {"device_id": device_id, "patient_id": patient_id, "start_at": start, "end_at": end}
        done = con.execute(insert(t).values(values).returning(t.c.binding_id)).scalar_one()
        changed(con, self._t.counters)
        return Binding(done, device_id, patient_id, start, end)

    def unbind(self, con: Connection, device_id: str, end: int) -> Binding | None:
        t = self._t.bindings
        last = self._last_binding(con, device_id)
        if last is None or last["end_at"] is not None:
            return None
        if end < last["start_at"]:
            raise InvalidInput(f"device {device_id} was bound after that time")
        con.execute(update(t).where(t.c.binding_id == last["binding_id"]).values(end_at=end))
        changed(con, self._t.counters)
        return binding_of({**last, "end_at": end})

    def bindings(self, con: Connection) -> list[Binding]:
        t = self._t.bindings
        query = select(t).order_by(t.c.device_id, t.c.start_at, t.c.binding_id)
        return [binding_of(row._asdict()) for row in con.execute(query)]

    def revision(self, con: Connection) -> int:
        return revision(con, self._t.counters)

    def _has_patient(self, con: Connection, patient_id: str) -> bool:
        t = self._t.patients
        return con.execute(select(t.c.patient_id).where(t.c.patient_id == patient_id)).first() is not None

    def _require_patient(self, con: Connection, patient_id: str) -> None:
        if not self._has_patient(con, patient_id):
            raise NotFound("no such patient")

    def _require_device(self, con: Connection, device_id: str) -> None:
        if con.execute(select(self._t.devices.c.device_id).filter_by(device_id=device_id)).first() is None:
            raise NotFound(f"no device {device_id}")

    def _last_binding(self, con: Connection, device_id: str) -> dict[str, Any] | None:
        t = self._t.bindings
        newest = select(t).where(t.c.device_id == device_id).order_by(t.c.start_at.desc(), t.c.binding_id.desc())
        row = con.execute(newest.limit(1)).one_or_none()
        return None if row is None else row._asdict()
