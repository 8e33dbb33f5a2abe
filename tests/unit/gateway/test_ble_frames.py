"""The small database beside the spool."""

from __future__ import annotations

import sqlite3
import stat
from pathlib import Path

import pytest

from gateway.ble import frames
from gateway.ble.frames import FrameBook
from gateway.ble.packs import Aside
from vigil.domain.errors import SpoolError

BAD = Aside("bad", "w-1", "Battery Level", 1, b"\x65", "101 %")


def digest(number: int) -> bytes:
    return number.to_bytes(16, "big")


def rows(path: Path, table: str) -> int:
    with sqlite3.connect(path) as db:
        (count,) = db.execute(f"SELECT count(*) FROM {table}").fetchone()
    db.close()
    return int(count)


def test_what_was_taken_is_known_after_a_restart_and_by_device(tmp_path: Path) -> None:
    path = tmp_path / "f.sqlite3"
    book = FrameBook(path)
    book.write([("w-1", digest(1))], [BAD])
    book.write([("w-1", digest(1)), ("w-1", digest(2))], [])
    book.close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    book = FrameBook(path)
    assert [book.is_taken("w-1", digest(number)) for number in (1, 2, 3)] == [True, True, False]
    assert not book.is_taken("w-2", digest(1))
    book.close()
    assert (rows(path, "taken"), rows(path, "aside")) == (2, 1)


def test_both_tables_are_bounded_and_lose_their_oldest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "KEPT", 5)
    monkeypatch.setattr(frames, "TAKEN", 10)
    book = FrameBook(tmp_path / "f.sqlite3")
    for number in range(30):
        book.write([("w-1", digest(number)), ("w-2", digest(number % 3))], [BAD])
    assert [number for number in range(30) if book.is_taken("w-1", digest(number))] == list(range(20, 30))
    assert all(book.is_taken("w-2", digest(number)) for number in range(3))
    book.close()
    assert (rows(tmp_path / "f.sqlite3", "aside"), rows(tmp_path / "f.sqlite3", "taken")) == (5, 13)


def test_a_write_that_fails_changes_nothing(tmp_path: Path) -> None:
    book = FrameBook(tmp_path / "f.sqlite3")
    book._db.execute("DROP TABLE aside")
    with pytest.raises(SpoolError, match="frames:"):
        book.write([("w-1", digest(1))], [BAD])
    assert not book.is_taken("w-1", digest(1))
    book.close()


def test_a_damaged_file_is_moved_aside_and_said(tmp_path: Path) -> None:
    path = tmp_path / "f.sqlite3"
    path.write_bytes(b"not a database, and long enough to be looked at" * 100)
    book = FrameBook(path)
    assert book.fresh_because
    book.write([("w-1", digest(1))], [])
    assert book.is_taken("w-1", digest(1))
    book.close()
    assert (tmp_path / "f.sqlite3.damaged").read_bytes().startswith(b"not a database")
    book = FrameBook(path)
    assert book.fresh_because == ""
    book.close()


def test_a_place_that_is_no_file_is_not_damage(tmp_path: Path) -> None:
    (tmp_path / "f.sqlite3").mkdir()
    with pytest.raises(SpoolError):
        FrameBook(tmp_path / "f.sqlite3")
