"""What is in a spool's file. A row of ``packs`` has a check sum: SQLite does not see a bit that flipped inside a value."""

from __future__ import annotations

import sqlite3
import zlib

VERSION = 2
#: "VigS": tells our file from another program's.
APPLICATION_ID = 0x56696753

TABLES = (
    """CREATE TABLE packs (
        device TEXT NOT NULL, epoch INTEGER NOT NULL, seq INTEGER NOT NULL, payload BLOB NOT NULL, crc INTEGER NOT NULL,
        backfill INTEGER NOT NULL, created_at INTEGER NOT NULL,
        attempts INTEGER NOT NULL DEFAULT 0, due_at INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (device, epoch, seq)) STRICT""",
    """CREATE INDEX fresh ON packs (created_at) WHERE due_at = 0 AND backfill = 0""",
    # The last lines of each device, numbered as they came.
    """CREATE TABLE recent (
        device TEXT NOT NULL, line INTEGER NOT NULL, seq INTEGER NOT NULL, digest BLOB NOT NULL,
        PRIMARY KEY (device, line)) STRICT, WITHOUT ROWID""",
    """CREATE TABLE dropped (
        device TEXT NOT NULL, epoch INTEGER NOT NULL, first_seq INTEGER NOT NULL, last_seq INTEGER NOT NULL,
        reason TEXT NOT NULL CHECK (reason IN ('age', 'size', 'damaged')),
        readings INTEGER NOT NULL, from_us INTEGER NOT NULL, to_us INTEGER NOT NULL,
        told INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (device, epoch, first_seq)) STRICT, WITHOUT ROWID""",
    f"""PRAGMA application_id = {APPLICATION_ID}""",
    f"""PRAGMA user_version = {VERSION}""",
)
#: Version 1 kept the numbers of a device in a table; now each start has an epoch of its own.
FROM_1 = (
    """DROP INDEX fresh""",
    """DROP TABLE devices""",
    """DROP TABLE recent""",
    """ALTER TABLE packs RENAME TO packs1""",
    *TABLES,
    """INSERT INTO packs SELECT device, epoch, seq, payload, check_sum(device, epoch, seq, payload), backfill, created_at,
        attempts, due_at FROM packs1""",
    """DROP TABLE packs1""",
)
#: What reading a damaged file may raise: Python cannot even decode the complaint about a name of rubbish.
READ_ERRORS = (sqlite3.DatabaseError, UnicodeDecodeError)
#: The third: a length that cannot be one.
_DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_TOOBIG)


def check_sum(device: str, epoch: int, seq: int, payload: bytes) -> int:
    """CRC-32 of what is sent and under which number."""
    return zlib.crc32(payload, zlib.crc32(f"{device} {epoch} {seq} ".encode()))


def tolerant_text(raw: bytes) -> str:
    """A damaged text must not stop the reading of the row."""
    return str(raw, "utf-8", "replace")


def is_damage(error: Exception) -> bool:
    """Whether SQLite says that the file, or the disk below it, cannot be read, maybe in words that are damaged themselves."""
    if isinstance(error, UnicodeDecodeError):
        return True
    code = getattr(error, "sqlite_errorcode", 0)
    return code & 0xFF in _DAMAGE or code in (sqlite3.SQLITE_IOERR_READ, sqlite3.SQLITE_IOERR_SHORT_READ)
