"""The revision and the end of the alert log are asked for again only when something was committed, by whomever."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from tests.conformance.stores.given import opened as began
from tests.conformance.stores.given import patient
from vigil.domain.errors import StoreError
from vigil.store.records import SqlRecordStore
from vigil.store.records.database import Database
from vigil.store.records.unchanged import Commits

KEY = Fernet.generate_key()


def opened(folder: Path) -> SqlRecordStore:
    return SqlRecordStore(f"sqlite:///{folder / 'records.sqlite3'}", KEY)


def test_what_another_process_commits_is_seen_at_once(tmp_path: Path) -> None:
    one, other = opened(tmp_path), opened(tmp_path)
    before = one.revision()
    assert one.revision() == before
    other.add_patient(patient())
    assert one.revision() > before
    assert one.transitions(include_test=True) == []
    recorded = other.record(began())
    assert recorded is not None
    assert [line.seq for line in one.transitions(include_test=True)] == [recorded.seq]
    assert one.transitions(after_seq=recorded.seq, include_test=True) == []
    assert [line.seq for line in one.transitions(include_test=True)] == [recorded.seq]
    assert [line.seq for line in one.transitions(after_seq=recorded.seq - 1, include_test=True)] == [recorded.seq]
    one.close()
    other.close()


def test_while_nothing_is_committed_nothing_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = opened(tmp_path)
    revision, lines = store.revision(), store.transitions(include_test=True)

    def asked(_self: Database) -> None:
        raise StoreError("asked")

    monkeypatch.setattr(Database, "read", asked)
    assert (store.revision(), store.transitions(include_test=True)) == (revision, lines)
    for call in (store.last_seq, lambda: store.transitions(include_test=False), lambda: store.transitions(after_seq=7)):
        with pytest.raises(StoreError):
            call()
    monkeypatch.undo()
    store.close()
    with pytest.raises(StoreError):
        store.revision()


def test_of_a_server_and_of_a_file_that_cannot_be_read_nothing_is_known(tmp_path: Path) -> None:
    (tmp_path / "no.sqlite3").write_bytes(b"something else, and long enough to be looked at" * 100)
    for commits in (
        Commits(None),
        Commits(str(tmp_path / "none" / "records.sqlite3")),
        Commits(str(tmp_path / "no.sqlite3")),
    ):
        assert commits.seen() is None
        commits.close()
        assert commits.seen() is None
