"""The audit log as a file that somebody has worked on: each way to change it shows, and where."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from cryptography.fernet import Fernet

from tests.conformance.stores.given import patient
from vigil.domain.audit import FIELDS, MANY, Entry, Question, Step, chained
from vigil.domain.errors import StoreError
from vigil.store.records import SqlRecordStore
from vigil.store.records.audit import verify_file

KEY = Fernet.generate_key()
ENTRY = Entry(
    5, Step.ANSWERED, "r-1", "Łi Na", "nurse", "::1", "GET", "/p/{patient_id}", {"patient_id": "p-1"}, "p-1", "why", 200
)
SIZE = 30


def opened(path: Path) -> SqlRecordStore:
    return SqlRecordStore(f"sqlite:///{path}", KEY)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A whole database with some entries."""
    path = tmp_path_factory.mktemp("audit") / "records.sqlite3"
    store = opened(path)
    store.add_patient(patient())
    store.append_audit([replace(ENTRY, at=number, request=f"r-{number}") for number in range(SIZE)])
    store.close()
    return path.read_bytes()


@pytest.fixture
def file(written: bytes, tmp_path: Path) -> Path:
    path = tmp_path / "records.sqlite3"
    path.write_bytes(written)
    return path


def worked_on(path: Path, *statements: str, **values: object) -> None:
    """As somebody would who has the file: the triggers that refuse it are in the way for one line."""
    with closing(sqlite3.connect(path)) as con, con:
        for act in ("update", "delete"):
            con.execute(f"DROP TRIGGER audit_log_no_{act}")
        for statement in statements:
            con.execute(statement, values)


def places(path: Path) -> list[int]:
    return [fault.number for fault in verify_file(path).faults]


def test_an_untouched_log_is_unbroken_stopped_or_running_and_nothing_is_left_beside_it(file: Path) -> None:
    found = verify_file(file)
    assert (found.count, found.last, found.faults) == (SIZE, SIZE, ())
    assert list(file.parent.iterdir()) == [file]
    store = opened(file)
    store.append_audit([ENTRY])
    running = verify_file(file, expect=found.head)
    assert (running.count, running.faults, running.found_at) == (SIZE + 1, (), SIZE)
    store.append_audit([ENTRY])
    store.close()
    assert verify_file(file).count == SIZE + 2


@pytest.mark.parametrize("act", ["UPDATE audit_log SET who = 'x'", "DELETE FROM audit_log"])
def test_the_database_refuses_to_change_an_entry(file: Path, act: str) -> None:
    with closing(sqlite3.connect(file)) as con, pytest.raises(sqlite3.IntegrityError, match="only grows"):
        con.execute(act)
    assert places(file) == []


@pytest.mark.parametrize("column", FIELDS)
def test_one_changed_byte_of_any_column_is_found_where_it_is(file: Path, column: str) -> None:
    change = f"{column} + 1" if column in ("at", "status", "times") else f"{column} || ' '"
    worked_on(file, f"UPDATE audit_log SET {column} = {change} WHERE number = 7")
    assert places(file) == [7]


def test_a_letter_that_is_none_is_found(file: Path) -> None:
    worked_on(file, "UPDATE audit_log SET who = CAST(x'ff' AS TEXT) WHERE number = 7")
    assert places(file) == [7]


@pytest.mark.parametrize("value", ["x'00'", "'text'", "hash || x'00'"])
def test_a_changed_hash_is_found(file: Path, value: str) -> None:
    worked_on(file, f"UPDATE audit_log SET hash = {value} WHERE number = 7")
    assert places(file) == [7, 8]


@pytest.mark.parametrize(("where", "first"), [("number = 7", 7), ("number <= 3", 1), ("number > 27", 28)])
def test_removed_entries_are_found_at_either_end_too(file: Path, where: str, first: int) -> None:
    worked_on(file, f"DELETE FROM audit_log WHERE {where}")
    assert places(file) == [first]


def test_an_inserted_entry_is_found(file: Path) -> None:
    columns = ", ".join((*FIELDS, "hash"))
    worked_on(
        file,
        "UPDATE audit_log SET number = -number - 1 WHERE number >= 7",
        "UPDATE audit_log SET number = -number WHERE number < 0",
        f"INSERT INTO audit_log (number, {columns}) SELECT 7, {columns} FROM audit_log WHERE number = 6",
    )
    assert places(file)[0] == 7


def test_two_exchanged_entries_are_found(file: Path) -> None:
    worked_on(
        file,
        "UPDATE audit_log SET number = -1 WHERE number = 7",
        "UPDATE audit_log SET number = 7 WHERE number = 8",
        "UPDATE audit_log SET number = 8 WHERE number = -1",
    )
    assert places(file)[:2] == [7, 8]


def test_a_cut_end_without_its_count_is_found_by_a_head_that_was_noted(file: Path) -> None:
    noted = verify_file(file).head
    worked_on(file, "DELETE FROM audit_log WHERE number > 27", "UPDATE sqlite_sequence SET seq = 27 WHERE seq = 30")
    assert places(file) == []
    assert "expected hash" in verify_file(file, expect=noted).faults[0].words


def test_an_index_that_hides_an_entry_is_found(file: Path) -> None:
    with closing(sqlite3.connect(file)) as con, con:
        con.execute("PRAGMA writable_schema = ON")
        con.execute("UPDATE sqlite_master SET sql = sql || ' WHERE number <> 7' WHERE name = 'ix_audit_log_at'")
    with closing(sqlite3.connect(file)) as con, con:
        con.execute("REINDEX ix_audit_log_at")
        con.execute("PRAGMA writable_schema = ON")
        con.execute("UPDATE sqlite_master SET sql = replace(sql, ' WHERE number <> 7', '')")
    assert any("index" in fault.words for fault in verify_file(file).faults)


def flipped(written: bytes, first: int, last: int) -> Iterator[bytes]:
    rng = np.random.default_rng(7)
    for _ in range(150):
        damaged = bytearray(written)
        damaged[int(rng.integers(first, last))] ^= 1 << int(rng.integers(8))
        yield bytes(damaged)


def entries(path: Path) -> list[object]:
    with closing(sqlite3.connect(path)) as con:
        con.text_factory = bytes
        return con.execute("SELECT * FROM audit_log ORDER BY number").fetchall()


@pytest.mark.parametrize("whole", [True, False])
def test_one_flipped_bit_is_found_or_changes_no_entry(written: bytes, file: Path, whole: bool) -> None:
    """Anywhere in the file, and from the first entry to the last."""
    span = (0, len(written)) if whole else (written.find(b"/p/{patient_id}"), written.rfind(b"/p/{patient_id}"))
    untouched, found = entries(file), 0
    for damaged in flipped(written, *span):
        file.write_bytes(damaged)
        try:
            broken = bool(verify_file(file).faults)
        except StoreError:
            broken = True
        assert broken or entries(file) == untouched
        found += broken
    assert found > (0 if whole else 140)


def test_the_newest_entries_alone_can_be_checked(file: Path) -> None:
    worked_on(file, "UPDATE audit_log SET who = 'x' WHERE number IN (7, 25)")
    assert [fault.number for fault in verify_file(file, last=10).faults] == [25]
    assert verify_file(file, last=10).count == 10
    assert verify_file(file, last=1000).count == SIZE


def test_a_forger_who_makes_the_chain_anew_is_found_by_a_head_that_was_noted(file: Path) -> None:
    noted = verify_file(file).head
    worked_on(file, "UPDATE audit_log SET who = 'x' WHERE number = 7")
    with closing(sqlite3.connect(file)) as con, con:
        before = bytes(32)
        for number, *values in con.execute(f"SELECT number, {', '.join(FIELDS)} FROM audit_log").fetchall():
            before = chained(before, number, tuple(values))
            con.execute("UPDATE audit_log SET hash = ? WHERE number = ?", [before, number])
    assert places(file) == []
    assert len(verify_file(file, expect=noted).faults) == 1


def test_a_file_without_a_log_is_an_error_and_not_an_empty_log(file: Path, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be read"):
        verify_file(tmp_path / "none.sqlite3")
    worked_on(file, "DROP TABLE audit_log")
    with pytest.raises(StoreError, match="cannot be read"):
        verify_file(file)


@pytest.mark.parametrize("change", ["who = 'x'", "hash = x'00'", "hash = 'text'"])
def test_a_damaged_entry_does_not_stop_the_log_from_growing(file: Path, change: str) -> None:
    worked_on(file, f"UPDATE audit_log SET {change} WHERE number = 30")
    store = opened(file)
    store.append_audit([replace(ENTRY, objects={}, patient_id=MANY)])
    assert [line.number for line in store.audit(Question(limit=2))] == [31, 30]
    store.close()
    assert places(file)[0] == 30
