"""Teams in the records database as a file: what cannot be read is said, never left out."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from tests.conformance.stores.test_teams import TEAM
from vigil.domain.errors import StoreError
from vigil.store.records import SqlRecordStore


@pytest.mark.parametrize(
    ("stored", "later"),
    [("Europe/Berlin", "Mars/Olympus"), ('"from"', '"begins"'), ('"mon"', '"moonday"'), ("2026-12-24", "the 24th")],
)
def test_a_team_that_cannot_be_read_is_never_read_in_part(tmp_path: Path, stored: str, later: str) -> None:
    file = tmp_path / "records.sqlite3"
    store = SqlRecordStore(f"sqlite:///{file}", Fernet.generate_key())
    store.put_team(TEAM, "Dr Wang", "first rota", 5)
    with sqlite3.connect(file) as con:
        changed = con.execute("UPDATE teams SET document = replace(document, ?, ?)", (stored, later))
        assert changed.rowcount == 1
    con.close()
    with pytest.raises(StoreError, match="stored team cannot be read"):
        store.teams()
    with pytest.raises(StoreError, match="stored team cannot be read"):
        store.team_history("north")
    store.close()
