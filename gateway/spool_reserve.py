"""Room that is kept for making room: on a full disk SQLite needs some even to delete, and a spool that fills its disk could never
be emptied. A file beside it is given up then, and made again as soon as it fits."""

from __future__ import annotations

import os
import sqlite3
from contextlib import suppress
from pathlib import Path

#: As much as the log may hold before it goes into the database (1000 pages of 4 KiB); ours.
RESERVE_BYTES = 4096 * 1024


class Reserve:
    def __init__(self, spool: Path) -> None:
        self._path = spool.with_name(spool.name + ".reserve")
        self._kept = False

    def keep(self) -> bool:
        """Whether the room is there."""
        if not self._kept:
            with suppress(OSError):
                file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
                try:
                    os.posix_fallocate(file, 0, RESERVE_BYTES)
                    self._kept = True
                finally:
                    os.close(file)
        return self._kept

    def release(self) -> None:
        with suppress(OSError):
            self._path.unlink(missing_ok=True)
        self._kept = False


def is_full(error: Exception) -> bool:
    return getattr(error, "sqlite_errorcode", 0) in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE)


def shrink(db: sqlite3.Connection) -> None:
    """Gives back to the disk what the file does not use any more, as far as there is room for doing it."""
    with suppress(sqlite3.Error):
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        db.execute("PRAGMA incremental_vacuum").fetchall()
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
