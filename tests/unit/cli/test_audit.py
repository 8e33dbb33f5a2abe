"""``vigil audit verify`` as a command, and what the core finds when it starts."""

from __future__ import annotations

import logging
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import typer
from cryptography.fernet import Fernet
from typer.testing import CliRunner

from cli.audit import MOST_SHOWN, broken_at_start, register
from cli.records import FILE as RECORDS
from vigil.domain.audit import Entry, Step
from vigil.runtime.config import Settings
from vigil.store.records import SqlRecordStore

ENTRY = Entry(5, Step.ANSWERED, "r-1", "Li Na", "nurse", "::1", "GET", "/p", {}, "", "", 200)
SIZE = 20


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    store = SqlRecordStore(f"sqlite:///{tmp_path / RECORDS}", Fernet.generate_key())
    store.append_audit([ENTRY] * SIZE)
    store.close()
    return tmp_path


def spoil(data_dir: Path, change: str) -> None:
    with closing(sqlite3.connect(data_dir / RECORDS)) as con, con:
        con.execute("DROP TRIGGER audit_log_no_update")
        con.execute(change)


def asked(data_dir: Path, *more: str) -> tuple[int, list[str]]:
    app = typer.Typer()
    register(app)
    done = CliRunner().invoke(app, ["audit", "verify", "--data-dir", str(data_dir), *more])
    return done.exit_code, done.output.splitlines()


def test_an_unbroken_log_says_its_count_and_head_and_an_earlier_head_is_found(data_dir: Path) -> None:
    code, lines = asked(data_dir)
    assert (code, len(lines)) == (0, 1)
    assert lines[0].startswith(f"{SIZE} entries, unbroken, head ")
    head = lines[0].split()[-1]
    assert asked(data_dir, "--expect", head) == (0, [*lines, f"the expected head is that of entry {SIZE}"])
    assert asked(data_dir, "--expect", "0" * 64)[0] == 1


def test_a_log_that_was_rewritten_shows_its_first_places(data_dir: Path) -> None:
    spoil(data_dir, "UPDATE audit_log SET who = 'x' WHERE number > 4")
    code, lines = asked(data_dir)
    assert code == 1
    assert lines[0].startswith("entry 5 is not what was written")
    assert lines[MOST_SHOWN] == f"and {SIZE - 4 - MOST_SHOWN} places more"
    assert "BROKEN" in lines[-1]


def test_the_core_notes_the_head_in_its_log_and_goes_on_with_a_broken_one(
    data_dir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        assert broken_at_start(Settings(data_dir=data_dir)) == ""
    assert asked(data_dir)[1][0].split()[-1] in caplog.text
    spoil(data_dir, "UPDATE audit_log SET who = 'x' WHERE number = 4")
    assert broken_at_start(Settings(data_dir=data_dir)).startswith("entry 4 is not what was written")
    (data_dir / RECORDS).write_bytes(b"no database at all" * 100)
    assert "cannot be read" in broken_at_start(Settings(data_dir=data_dir))
