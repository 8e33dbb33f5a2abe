"""A damaged spool is moved aside, and every row that can still be read goes into a new file.

SQLite gives up at the first page that it cannot read. Here the rows behind it are looked for by their row numbers: a range that
fails is halved until what fails is a single row. The new file is written whole before anything moves, so a crash in between
loses nothing: ``finish_rescue`` goes on.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gateway.spool_tables import READ_ERRORS, check_sum, is_damage, tolerant_text
from vigil.runtime.files import sync

#: Ranges that may fail before the search ends (ours): about 10 microseconds each.
_FAILURES = 20_000
#: Greater than any row number; where the greatest cannot be read, the end of the search.
_FAR = 1 << 40

_SELECT = "SELECT device, epoch, seq, payload, crc, backfill, created_at, attempts FROM packs"
#: A row whose last columns cannot be read may still hold its pack.
_CORE = "SELECT device, epoch, seq, payload, crc, NULL, NULL, NULL FROM packs"
#: The index knows the number of a row whose own copy of it is damaged.
_BY_KEY = ("ORDER BY device, epoch, seq", "ORDER BY device DESC, epoch DESC, seq DESC")


@dataclass(frozen=True, slots=True)
class Rescued:
    """``packs`` are in the new file; ``missing`` numbers between them are not; ``quarantine``: where the old file lies."""

    packs: int
    missing: int
    quarantine: str

    def __str__(self) -> str:
        return f"{self.packs} packs saved, {self.missing} between them lost, the old file is kept as {self.quarantine}"


def rescue(path: Path, now_us: int, create: Callable[[Path], sqlite3.Connection]) -> Rescued:
    """``create`` opens a file with our tables. Raises ``OSError`` or ``sqlite3.Error``: then nothing has moved."""
    half, whole = _beside(path, ".rescuing"), _beside(path, ".rescued")
    for leftover in (half, _beside(half, "-wal")):
        leftover.unlink(missing_ok=True)
    new = create(half)
    try:
        new.execute("BEGIN IMMEDIATE")
        _copy(path, new)
        missing = _note_missing(new)
        (packs,) = new.execute("SELECT count(*) FROM packs").fetchone()
        new.execute("COMMIT")
    finally:
        new.close()
    half.replace(whole)
    return Rescued(packs, missing, finish_rescue(path, now_us))


def finish_rescue(path: Path, now_us: int) -> str:
    """Puts a rescued file in the place of the damaged one; the name of the quarantine, empty when there is nothing to do."""
    whole = _beside(path, ".rescued")
    if not whole.exists():
        return ""
    quarantine = _free_name(path, now_us)
    # The log first: beside the new file it would be read into it.
    for suffix in ("-wal", ""):
        with suppress(FileNotFoundError):
            _beside(path, suffix).replace(_beside(quarantine, suffix))
    sync(path.parent)
    whole.replace(path)
    sync(path.parent)
    return quarantine.name


def _copy(path: Path, new: sqlite3.Connection) -> None:
    db = sqlite3.connect(path, isolation_level=None, timeout=1.0)
    try:
        db.text_factory = tolerant_text
        db.execute("PRAGMA locking_mode = EXCLUSIVE")
        db.execute("PRAGMA writable_schema = ON")  # a table that is described wrongly must not hide the others
        for row in _packs(db):
            if _is_sound(row):
                _insert(new, "packs", row[:5] + _mended(*row[5:]))
        for table in ("recent", "dropped"):
            for row in _until_error(db, f"SELECT * FROM {table}"):
                _insert(new, table, row)
    except READ_ERRORS as error:
        if not _is_unreadable(error):
            raise
    finally:
        db.close()


def _insert(new: sqlite3.Connection, table: str, row: tuple[Any, ...]) -> None:
    with suppress(sqlite3.IntegrityError):  # a damaged value has the wrong type, or is there twice
        new.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", row)


def _is_unreadable(error: Exception) -> bool:
    """Damage, or a table that is not described any more."""
    return is_damage(error) or getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_ERROR


def _packs(db: sqlite3.Connection) -> Iterator[tuple[Any, ...]]:
    """All rows that can be read, some of them more than once."""
    for order in ("rowid", "rowid DESC"):
        yield from _until_error(db, f"{_SELECT} ORDER BY {order}")
    yield from _by_halves(db)
    for order in ("ORDER BY rowid", "ORDER BY rowid DESC", *_BY_KEY):
        yield from _until_error(db, f"{_CORE} {order}")


def _by_halves(db: sqlite3.Connection) -> Iterator[tuple[Any, ...]]:
    """A range is read from below and from above, each until it fails; what lies between is halved."""
    failures, ranges = 0, [(1, _FAR)]
    while ranges and failures < _FAILURES:
        low, high = start = ranges.pop()
        for order in ("", "DESC"):
            try:
                question = f"{_SELECT} WHERE rowid BETWEEN ? AND ? ORDER BY rowid {order}"
                for *row, number in db.execute(question.replace("FROM", ", rowid FROM"), (low, high)):
                    yield tuple(row)
                    low, high = (number + 1, high) if not order else (low, number - 1)
            except READ_ERRORS as error:
                if not is_damage(error):
                    raise
                failures += 1
            else:
                break
        else:
            high = min(high, _greatest(db)) if high == _FAR else high
            middle = (low + high) // 2
            if low < high:
                ranges += [(middle + 1, high), (low, middle)]
            elif low == high and (low, high) != start:
                ranges.append((low, high))
            elif low == high:
                yield from _until_error(db, f"{_CORE} WHERE rowid = {low}")


def _greatest(db: sqlite3.Connection) -> int:
    for question in (
        "SELECT max(rowid) FROM packs",
        "SELECT max(rowid) FROM packs INDEXED BY sqlite_autoindex_packs_1",
    ):
        with suppress(*READ_ERRORS):
            (greatest,) = db.execute(question).fetchone()
            return int(greatest or 0)
    return _FAR


def _until_error(db: sqlite3.Connection, question: str) -> Iterator[tuple[Any, ...]]:
    with suppress(*READ_ERRORS):
        yield from db.execute(question)


def _is_sound(row: tuple[Any, ...]) -> bool:
    """Whether it is what was written, by its check sum."""
    device, epoch, seq, payload, crc = row[:5]
    of_kind = isinstance(device, str) and isinstance(payload, bytes) and isinstance(epoch, int) and isinstance(seq, int)
    return of_kind and check_sum(device, epoch, seq, payload) == crc


def _mended(backfill: object, created_at: object, attempts: object) -> tuple[int, int, int, int]:
    """What no check sum covers; where it is no number, the pack is history of an unknown age."""
    if isinstance(backfill, int) and isinstance(created_at, int) and isinstance(attempts, int):
        return backfill, created_at, attempts, 0
    return 1, 0, 1, 0


def _note_missing(new: sqlite3.Connection) -> int:
    """Numbers between saved packs belong to packs that are gone: the platform must not wait for them."""
    rows = new.execute(
        "SELECT * FROM (SELECT device, epoch, seq, created_at,"
        " lag(seq) OVER every AS before, lag(created_at) OVER every AS left_at"
        " FROM packs WINDOW every AS (PARTITION BY device, epoch ORDER BY seq)) WHERE seq > before + 1"
    ).fetchall()
    for device, epoch, seq, created_at, before, left_at in rows:
        new.execute(
            "INSERT OR IGNORE INTO dropped VALUES (?, ?, ?, ?, 'damaged', 0, ?, ?, 0)",
            (device, epoch, before + 1, seq - 1, left_at, created_at),
        )
    return sum(row[2] - row[4] - 1 for row in rows)


def _free_name(path: Path, now_us: int) -> Path:
    at = datetime.fromtimestamp(now_us // 1_000_000, UTC).strftime("%Y%m%dT%H%M%SZ")
    names = (_beside(path, f".damaged-{at}{again}") for again in ("", *(f"-{number}" for number in range(2, 1000))))
    return next(name for name in names if not name.exists())


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)
