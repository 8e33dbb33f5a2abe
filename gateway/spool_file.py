"""The spool's file: its tables, how it is opened, what is done when it is damaged.

SQLite with a write-ahead log and ``synchronous=FULL``. One process at a time (exclusive lock). Each start checks the whole file.
"""

from __future__ import annotations

import logging
import os
import sqlite3
from pathlib import Path

from gateway.spool_rescue import Rescued, finish_rescue, rescue
from gateway.spool_tables import (
    APPLICATION_ID,
    FROM_1,
    READ_ERRORS,
    TABLES,
    VERSION,
    check_sum,
    is_damage,
    tolerant_text,
)
from vigil.domain.errors import SpoolError
from vigil.runtime.clock import Clock

logger = logging.getLogger(__name__)

#: Found in every spool that ever held a pack, also where its first page is gone.
_OURS = (b"urn:dev:", b"CREATE TABLE packs")
_CHUNK = 1 << 20


class _Damaged(Exception):
    """Never leaves this module."""


def opened(path: Path, clock: Clock) -> tuple[sqlite3.Connection, Rescued | None]:
    """A damaged file is moved aside and what can be read of it is saved into a new one. Raises ``SpoolError``."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        finish_rescue(path, clock.now_us())
        try:
            return _connected(path), None
        except _Damaged as damage:
            found = rescue(path, clock.now_us(), create)
            logger.error("spool %s is damaged (%s): %s", path.name, damage, found)
            return _connected(path), found
    except (OSError, *READ_ERRORS, _Damaged) as error:
        locked = getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY
        reason = "another gateway uses it" if locked else str(error)
        raise SpoolError(f"spool {path.name} cannot be opened: {reason}") from error


def create(path: Path) -> sqlite3.Connection:
    """Opens the file, and gives it our tables when it has none. Raises ``sqlite3.Error`` or ``OSError``."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    db = sqlite3.connect(path, isolation_level=None, timeout=1.0, check_same_thread=False)
    try:
        db.text_factory = tolerant_text
        db.create_function("check_sum", 4, check_sum, deterministic=True)
        if not path.stat().st_size:
            db.execute("PRAGMA auto_vacuum = INCREMENTAL")
        # Exclusive before WAL: a second gateway on this file is told so, and no shared-memory file is needed.
        db.execute("PRAGMA locking_mode = EXCLUSIVE")
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        db.execute("BEGIN IMMEDIATE")
        (tables,) = db.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        (version,) = db.execute("PRAGMA user_version").fetchone()
        for statement in TABLES if version == tables == 0 else ():
            db.execute(statement)
        db.execute("COMMIT")
    except READ_ERRORS:
        db.close()
        raise
    return db


def _connected(path: Path) -> sqlite3.Connection:
    try:
        db = create(path)
    except READ_ERRORS as error:
        if is_damage(error) and _is_ours(path):
            raise _Damaged(str(error)) from error
        raise
    try:
        _check_version(db, path.name)
        (verdict,) = db.execute("PRAGMA integrity_check(1)").fetchone()
        if verdict != "ok":
            raise _Damaged(verdict)
        _upgrade(db)
    except READ_ERRORS as error:
        db.close()
        if is_damage(error):
            raise _Damaged(str(error)) from error
        raise
    except (_Damaged, SpoolError):
        db.close()
        raise
    return db


def _check_version(db: sqlite3.Connection, name: str) -> None:
    (version,) = db.execute("PRAGMA user_version").fetchone()
    (application,) = db.execute("PRAGMA application_id").fetchone()
    if version not in (0, 1, VERSION):
        raise SpoolError(f"spool {name} is of version {version}; this gateway knows {VERSION}")
    if version == 0 or application != (APPLICATION_ID if version == VERSION else 0):
        raise SpoolError(f"spool {name} cannot be opened: it is another program's file")


def _upgrade(db: sqlite3.Connection) -> None:
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if version == 1:
        db.execute("BEGIN IMMEDIATE")
        for statement in FROM_1:
            db.execute(statement)
        db.execute("COMMIT")


def _is_ours(path: Path) -> bool:
    """Whether a file that SQLite does not know for a database was a spool: it names our things, or a crash left zeros only."""
    zeros, tail = True, b""
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            zeros = zeros and not chunk.strip(b"\0")
            if any(mark in tail + chunk for mark in _OURS):
                return True
            tail = chunk[-32:]
    return zeros
