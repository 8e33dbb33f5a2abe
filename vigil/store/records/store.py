"""``SqlRecordStore``: the protocol ``RecordStore`` over SQLite or another SQL database."""

from __future__ import annotations

from cryptography.fernet import Fernet, InvalidToken
from sqlalchemy import Connection, insert, select

from vigil.domain.alerts import Alert, Transition
from vigil.domain.errors import ConfigError, StoreError
from vigil.domain.people import Binding, Device, Patient
from vigil.domain.policy import Policy
from vigil.store.records.alerts import Alerts
from vigil.store.records.database import Database
from vigil.store.records.people import People
from vigil.store.records.tables import Tables, build

_CHECK = b"vigil"


class SqlRecordStore:
    """Opens ``url`` (``sqlite:///<file>`` by default) and migrates it. ``key``: a Fernet key, 32 bytes in url-safe base64,
    that seals name and date of birth.

    Raises ``ConfigError`` for a URL or key that cannot be used, ``StoreError`` for a key that is not the one the database
    was made with, and on every call when the database fails. Writers of this process wait for one another.
    """

    def __init__(self, url: str, key: bytes) -> None:
        try:
            box = Fernet(key)
        except ValueError as error:
            raise ConfigError("the key of the records database must be 32 bytes in url-safe base64") from error
        tables = build(box)
        self._people, self._alerts = People(tables), Alerts(tables)
        self._database = Database(url)
        fits = False
        try:
            with self._database.write() as con:
                _check_key(con, tables, box)
            fits = True
        finally:
            if not fits:
                self._database.close()

    def add_patient(self, patient: Patient) -> None:
        with self._database.write() as con:
            self._people.add_patient(con, patient)

    def patients(self, *, include_discharged: bool = False) -> list[Patient]:
        with self._database.read() as con:
            return self._people.patients(con, include_discharged)

    def patient(self, patient_id: str) -> Patient:
        with self._database.read() as con:
            return self._people.patient(con, patient_id)

    def discharge(self, patient_id: str, at: int) -> None:
        with self._database.write() as con:
            self._people.discharge(con, patient_id, at)

    def put_device(self, device: Device) -> None:
        with self._database.write() as con:
            self._people.put_device(con, device)

    def devices(self) -> list[Device]:
        with self._database.read() as con:
            return self._people.devices(con)

    def bind(self, device_id: str, patient_id: str, start: int) -> Binding:
        with self._database.write() as con:
            return self._people.bind(con, device_id, patient_id, start)

    def unbind(self, device_id: str, end: int) -> Binding | None:
        with self._database.write() as con:
            return self._people.unbind(con, device_id, end)

    def bindings(self) -> list[Binding]:
        with self._database.read() as con:
            return self._people.bindings(con)

    def revision(self) -> int:
        with self._database.read() as con:
            return self._people.revision(con)

    def put_policy(self, patient_id: str, policy: Policy, author: str, reason: str, at: int) -> None:
        """Adds a version; earlier ones are kept. Raises ``NotFound`` for an unknown patient."""
        with self._database.write() as con:
            self._people.put_policy(con, patient_id, policy, author, reason, at)

    def policy(self, patient_id: str) -> Policy | None:
        with self._database.read() as con:
            return self._people.policy(con, patient_id)

    def record(self, transition: Transition) -> Transition | None:
        with self._database.write() as con:
            return self._alerts.record(con, transition)

    def alert(self, alert_id: str) -> Alert:
        with self._database.read() as con:
            return self._alerts.alert(con, alert_id)

    def alerts(
        self,
        *,
        patient_id: str | None = None,
        open_only: bool = False,
        resolved_since: int | None = None,
        limit: int = 10_000,
    ) -> list[Alert]:
        with self._database.read() as con:
            return self._alerts.alerts(con, patient_id, open_only, resolved_since, limit)

    def transitions(self, *, after_seq: int = 0, alert_id: str | None = None, limit: int = 10_000) -> list[Transition]:
        with self._database.read() as con:
            return self._alerts.transitions(con, after_seq, alert_id, limit)

    def last_seq(self) -> int:
        with self._database.read() as con:
            return self._alerts.last_seq(con)

    def close(self) -> None:
        """Later calls raise ``StoreError``; closing again does nothing."""
        self._database.close()


def _check_key(con: Connection, tables: Tables, box: Fernet) -> None:
    """A token sealed when the database was made tells another key at once, before anything is written with it."""
    table = tables.key_checks
    token = con.execute(select(table.c.token)).scalar_one_or_none()
    if token is None:
        con.execute(insert(table).values(check_id=1, token=box.encrypt_at_time(_CHECK, 0)))
        return
    try:
        box.decrypt(token)
    except InvalidToken as error:
        raise StoreError("the records database was made with another key: give that key") from error
