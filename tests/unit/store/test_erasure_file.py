"""After an erasure no byte of the files tells who it was, with the key of the records neither."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from cryptography.fernet import Fernet, InvalidToken
from sqlalchemy import create_engine

from tests.conformance.stores.given import T0, alert, follows, opened, patient
from vigil.domain.alerts import Step
from vigil.domain.errors import StoreError
from vigil.domain.feedback import Feedback, Verdict
from vigil.domain.people import Patient
from vigil.store.records import SqlRecordStore

KEY = Fernet.generate_key()
#: Enough that pages are split, and rows moved, before and after.
PEOPLE = 24


def person(number: int) -> Patient:
    return patient(
        f"p-{number}", family=f"Marked-Family-{number}", given=f"Marked-Given-{number}", born=date(1950, 2, 1)
    )


def store_in(folder: Path, key: bytes = KEY) -> SqlRecordStore:
    return SqlRecordStore(f"sqlite:///{folder / 'records.sqlite3'}", key)


def lived(store: SqlRecordStore, number: int) -> None:
    """A stay in which the alert's row grew, by words that hold the name."""
    one = person(number)
    store.add_patient(one)
    state = alert(f"a-{number}", patient_id=one.patient_id, cause=f"ordinal:{number}:opened")
    store.record(opened(state))
    for step in range(4):
        words = f"{one.family} again " * (step + 1)
        line = follows(state, Step.ACKNOWLEDGED, f"command:{number}-{step}", note=words, snooze_reason=words)
        store.record(replace(line, note=words))
        state = line.after
    store.add_feedback(Feedback(state.alert_id, "nurse-1", Verdict.USEFUL, f"{one.family} slept", T0))
    store.discharge(one.patient_id, T0)


def bytes_in(folder: Path) -> bytes:
    """Of the database, its file of changes and whatever else lies beside them."""
    return b"".join(one.read_bytes() for one in sorted(folder.iterdir()))


def tokens(folder: Path, patient_id: str) -> list[bytes]:
    """The sealed fields and the wrapped key, as whoever copied the file yesterday has them."""
    with closing(sqlite3.connect(folder / "records.sqlite3")) as con:
        asked = "SELECT family, given, born, wrapped FROM patients JOIN patient_keys USING (patient_id) WHERE patient_id = ?"
        return list(con.execute(asked, [patient_id]).fetchone())


def opens(key: bytes, text: bytes) -> Iterator[bytes]:
    """What the key opens in a file: every Fernet token begins so."""
    at = text.find(b"gAAAAA")
    while at >= 0:
        end = at
        while text[end : end + 1].isalnum() or text[end : end + 1] in (b"-", b"_", b"="):
            end += 1
        for cut in range(at + 100, end + 1):  # whatever follows a token in the file may look like a part of it
            with suppress(InvalidToken):
                yield Fernet(key).decrypt(text[at:cut])
        at = text.find(b"gAAAAA", at + 1)


@pytest.mark.parametrize("closed", [False, True])
def test_no_byte_tells_who_it_was(tmp_path: Path, closed: bool) -> None:
    store = store_in(tmp_path)
    for number in range(PEOPLE):
        lived(store, number)
    sealed = tokens(tmp_path, "p-7")
    assert all(token in bytes_in(tmp_path) for token in sealed)
    assert b"Marked-Family-7 " in bytes_in(tmp_path)  # in what the nurse wrote
    store.erasures.erase("p-7", "admin", T0)
    if closed:
        store.close()
    left = bytes_in(tmp_path)
    assert [token for token in sealed if token in left] == []
    for word in (b"Marked-Family-7 ", b"Marked-Given-7"):
        assert word not in left
    assert b"Marked-Family-8 " in left
    store.close()


def test_who_reads_all_the_time_is_told_of_and_the_next_try_ends_it(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    lived(store, 7)
    (family, *_) = tokens(tmp_path, "p-7")
    with closing(sqlite3.connect(tmp_path / "records.sqlite3", isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM patients").fetchall()
        with pytest.raises(StoreError, match="ask again"):
            store.erasures.erase("p-7", "admin", T0)
        assert store.patients(include_discharged=True) == []
        assert family in bytes_in(tmp_path)
    assert store.erasures.erase("p-7", "another", T0 + 9).by == "admin"
    assert family not in bytes_in(tmp_path)
    store.close()


def test_the_key_of_the_records_does_not_bring_the_name_back(tmp_path: Path) -> None:
    """Not from the file as it is, and not from the sealed fields of a copy of it from before."""
    store = store_in(tmp_path)
    for number in range(PEOPLE):
        lived(store, number)
    *sealed, wrapped = tokens(tmp_path, "p-7")
    own = Fernet(KEY).decrypt(wrapped)
    assert Fernet(own).decrypt(sealed[0]) == b"Marked-Family-7"
    store.erasures.erase("p-7", "admin", T0)
    left = bytes_in(tmp_path)
    keys = set(opens(KEY, left)) - {b"vigil"}
    assert len(keys) == PEOPLE - 1
    assert own not in keys
    for key in (KEY, *keys):
        with pytest.raises(InvalidToken):
            Fernet(key).decrypt(sealed[0])
    store.close()


def test_names_of_an_older_vigil_are_sealed_anew_and_the_old_ones_are_gone(tmp_path: Path) -> None:
    old = older(tmp_path, count=40)
    assert all(token in bytes_in(tmp_path) for token in old)
    store = store_in(tmp_path)
    assert [one.family for one in store.patients()] == [f"Marked-Family-{n}" for n in sorted(range(40), key=str)]
    left = bytes_in(tmp_path)
    assert [token for token in old if token in left] == []
    assert b"Marked-Family" not in b"".join(opens(KEY, left))
    store.close()
    again = store_in(tmp_path)
    assert len(again.patients()) == 40
    again.close()


def test_an_older_file_with_another_key_is_left_as_it_is(tmp_path: Path) -> None:
    older(tmp_path, count=2)
    with pytest.raises(StoreError, match="another key"):
        store_in(tmp_path, Fernet.generate_key())
    store = store_in(tmp_path)
    assert len(store.patients()) == 2
    store.close()


def older(folder: Path, count: int) -> list[bytes]:
    """A records database as Vigil wrote it before there were own keys; the sealed names."""
    config = Config()
    config.set_main_option("script_location", "vigil.store.records:migrations")
    engine = create_engine(f"sqlite:///{folder / 'records.sqlite3'}")
    with engine.begin() as con:
        config.attributes["connection"] = con
        command.upgrade(config, "0010")
    engine.dispose()
    box, made = Fernet(KEY), []
    with closing(sqlite3.connect(folder / "records.sqlite3")) as db:
        db.execute("INSERT INTO key_checks VALUES (1, ?)", [box.encrypt_at_time(b"vigil", 0)])
        for number in range(count):
            one = person(number)
            names = [box.encrypt_at_time(text.encode(), 0) for text in (one.family, one.given, one.born.isoformat())]
            db.execute(
                "INSERT INTO patients VALUES (?, ?, ?, ?, 'female', 'North', 0, '', 0, 0, NULL)",
                [one.patient_id, *names],
            )
            made.append(names[0])
            db.execute("UPDATE patients SET ward = ward || ? WHERE patient_id = ?", ["x" * 90, one.patient_id])
        db.commit()
    return made
