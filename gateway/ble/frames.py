"""A small database beside the spool: frames that are nobody's reading, to be looked at, and which frames were taken.

``aside``: what, when, from whom and why, with the bytes, the newest ``KEPT`` of them; ``claim`` tries them again. ``taken``: a
peripheral sends what is in its memory again at each connection, and the spool remembers only its last lines. Written after the
spool, so that a gateway killed in between meets the repetition in the spool's own memory. Used from the spool's thread only;
raises ``SpoolError``.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from gateway.ble.packs import Aside
from vigil.domain.errors import SpoolError

#: Both ours. A glucose meter holds about a thousand records; an hour of broken frames at 1 Hz are 3,600.
KEPT = 10_000
TAKEN = 20_000
_TABLES = (
    """CREATE TABLE IF NOT EXISTS aside (
        number INTEGER PRIMARY KEY AUTOINCREMENT, received_us INTEGER NOT NULL, label TEXT NOT NULL,
        characteristic TEXT NOT NULL, outcome TEXT NOT NULL, why TEXT NOT NULL, frame TEXT NOT NULL,
        address TEXT NOT NULL DEFAULT '', offset_us INTEGER)""",
    """CREATE TABLE IF NOT EXISTS taken (
        number INTEGER PRIMARY KEY AUTOINCREMENT, device TEXT NOT NULL, digest BLOB NOT NULL, UNIQUE (device, digest))""",
    """CREATE INDEX IF NOT EXISTS taken_by_device ON taken (device, number)""",
)


class FrameBook:
    """A damaged file is moved aside and a new one begun; ``fresh_because`` then says why."""

    def __init__(self, path: Path) -> None:
        self.fresh_because = ""
        try:
            self._db = _opened(path)
        except (sqlite3.OperationalError, OSError) as error:  # locked, or a disk that does not let us: not damage
            raise SpoolError(f"{path.name} cannot be opened: {error}") from error
        except sqlite3.DatabaseError as error:
            self.fresh_because = str(error)
            with _translated():
                _move_aside(path)
                self._db = _opened(path)

    def close(self) -> None:
        self._db.close()

    def is_taken(self, device: str, digest: bytes) -> bool:
        with _translated():
            found = self._db.execute("SELECT 1 FROM taken WHERE device = ? AND digest = ?", (device, digest)).fetchone()
        return found is not None

    def write(self, taken: Iterable[tuple[str, bytes]], aside: Iterable[Aside]) -> None:
        """One transaction."""
        with _translated():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                self._remember(taken)
                self._keep(aside)
                self._db.execute("COMMIT")
            except sqlite3.Error:
                with suppress(sqlite3.Error):  # a full disk may have rolled back already
                    self._db.execute("ROLLBACK")
                raise

    def claimable(self) -> list[tuple[int, Aside]]:
        """What was kept aside for want of a user or a time, oldest first, each with its number."""
        with _translated():
            rows = self._db.execute(
                "SELECT number, outcome, label, characteristic, received_us, frame, why, address, offset_us FROM aside"
                " WHERE outcome IN ('unknown_user', 'untimed') AND address <> '' ORDER BY number"
            ).fetchall()
        return [
            (number, Aside(outcome, label, name, received_us, bytes.fromhex(frame), why, address, offset_us))
            for number, outcome, label, name, received_us, frame, why, address, offset_us in rows
        ]

    def claimed(self, numbers: Iterable[int]) -> None:
        with _translated():
            self._db.executemany("DELETE FROM aside WHERE number = ?", [(number,) for number in numbers])

    def _remember(self, taken: Iterable[tuple[str, bytes]]) -> None:
        for device, digest in taken:
            self._db.execute("INSERT OR IGNORE INTO taken (device, digest) VALUES (?, ?)", (device, digest))
            self._db.execute(
                "DELETE FROM taken WHERE device = ? AND number <="
                " (SELECT number FROM taken WHERE device = ? ORDER BY number DESC LIMIT 1 OFFSET ?)",
                (device, device, TAKEN),
            )

    def _keep(self, aside: Iterable[Aside]) -> None:
        self._db.executemany(
            "INSERT INTO aside (received_us, label, characteristic, outcome, why, frame, address, offset_us)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    *(each.received_us, each.label, each.characteristic, each.outcome, each.why, each.frame.hex(" ")),
                    *(each.address, each.offset_us),
                )
                for each in aside
            ],
        )
        self._db.execute("DELETE FROM aside WHERE number <= (SELECT max(number) FROM aside) - ?", (KEPT,))


def _opened(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    db = sqlite3.connect(path, isolation_level=None, timeout=1.0, check_same_thread=False)
    try:
        (sound,) = db.execute("PRAGMA quick_check(1)").fetchone()
        if sound != "ok":
            raise sqlite3.DatabaseError(sound)
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        for statement in _TABLES:
            db.execute(statement)
        if "address" not in {row[1] for row in db.execute("PRAGMA table_info(aside)")}:  # a file of an older version
            db.execute("ALTER TABLE aside ADD COLUMN address TEXT NOT NULL DEFAULT ''")
            db.execute("ALTER TABLE aside ADD COLUMN offset_us INTEGER")
    except sqlite3.Error:
        db.close()
        raise
    return db


def _move_aside(path: Path) -> None:
    """With its log, which must not be played into the new file."""
    for suffix in ("", "-wal", "-shm"):
        with suppress(FileNotFoundError):
            path.with_name(path.name + suffix).replace(path.with_name(f"{path.name}.damaged{suffix}"))


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise SpoolError(f"frames: {error}") from error
