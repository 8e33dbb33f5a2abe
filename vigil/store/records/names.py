"""Names and dates of birth under a key of each person's own, which can be destroyed while all others stay.

The person's key lies in ``patient_keys``, wrapped by the key of the records. Its rows are never moved or made longer, so that
overwriting one leaves no other copy in the file.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from cryptography.fernet import Fernet, InvalidToken
from sqlalchemy import Connection, RowMapping, Select, insert, select, update

from vigil.domain.errors import NotFound, StoreError
from vigil.domain.people import Patient
from vigil.store.records.documents import patient_of, patient_row
from vigil.store.records.tables import Tables

SEALED = ("family", "given", "born")


class Names:
    """``box``: of the records. Statements on an open connection; the caller owns the transaction."""

    def __init__(self, tables: Tables, box: Fernet) -> None:
        self._t, self._box = tables, box

    def add(self, con: Connection, patient: Patient) -> None:
        key, row = Fernet.generate_key(), patient_row(patient)
        con.execute(insert(self._t.patients).values({**row, **_sealed(key, row)}))
        con.execute(insert(self._t.patient_keys).values(patient_id=patient.patient_id, wrapped=_seal(self._box, key)))

    def asked(self) -> Select[Any]:
        """Everybody who is not erased, each with the wrapped key: rows for ``opened``."""
        t, keys, erasures = self._t.patients, self._t.patient_keys, self._t.erasures
        gone = select(erasures.c.patient_id)
        return (
            select(t, keys.c.wrapped).join(keys, keys.c.patient_id == t.c.patient_id).where(t.c.patient_id.not_in(gone))
        )

    def opened(self, row: RowMapping) -> Patient:
        """Raises ``StoreError``."""
        known = dict(row)
        box = Fernet(_open(self._box, known.pop("wrapped")))
        return patient_of({**known, **{name: _open(box, known[name]).decode() for name in SEALED}})

    def box_of(self, con: Connection, patient_id: str) -> Fernet:
        """With the person's own key. Raises ``NotFound``, also for who is erased."""
        keys, erasures = self._t.patient_keys, self._t.erasures
        own = keys.c.patient_id == patient_id
        gone = select(erasures.c.patient_id)
        wrapped = con.execute(select(keys.c.wrapped).where(own, keys.c.patient_id.not_in(gone))).scalar_one_or_none()
        if wrapped is None:
            raise NotFound("no such patient")
        return Fernet(_open(self._box, wrapped))

    def forget(self, con: Connection, patient_id: str) -> None:
        """The key is overwritten by as many random bytes, in its place."""
        t, keys = self._t.patients, self._t.patient_keys
        of = keys.c.patient_id == patient_id
        length = len(con.execute(select(keys.c.wrapped).where(of)).scalar_one())
        con.execute(update(keys).where(of).values(wrapped=secrets.token_bytes(length)))
        con.execute(update(t).where(t.c.patient_id == patient_id).values(dict.fromkeys(SEALED, b"")))

    def seal_anew(self, con: Connection) -> None:
        """Gives a key to everybody who came before there were own keys, whose names are sealed with that of the records."""
        t, keys = self._t.patients, self._t.patient_keys
        old = select(t).where(t.c.patient_id.not_in(select(keys.c.patient_id)))
        for row in con.execute(old).mappings().all():
            key = Fernet.generate_key()
            clear = {name: _open(self._box, row[name]).decode() for name in SEALED}
            con.execute(update(t).where(t.c.patient_id == row["patient_id"]).values(_sealed(key, clear)))
            con.execute(insert(keys).values(patient_id=row["patient_id"], wrapped=_seal(self._box, key)))


def _sealed(key: bytes, row: Mapping[str, Any]) -> dict[str, bytes]:
    box = Fernet(key)
    return {name: _seal(box, row[name].encode()) for name in SEALED}


def sealed_text(box: Fernet, text: str) -> bytes:
    return _seal(box, text.encode())


def opened_text(box: Fernet, sealed: bytes) -> str:
    """Raises ``StoreError``."""
    return _open(box, sealed).decode()


def _seal(box: Fernet, clear: bytes) -> bytes:
    # The token's own time stamp is left at 0: the record needs none and the store reads no clock.
    return box.encrypt_at_time(clear, 0)


def _open(box: Fernet, sealed: bytes) -> bytes:
    try:
        return box.decrypt(sealed)
    except InvalidToken as error:
        raise StoreError("a sealed field cannot be read with this key") from error
