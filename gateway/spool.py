"""Step "spool": packs on disk from the moment a line is accepted until the platform has them.

SQLite with a write-ahead log and ``synchronous=FULL``: what ``accept`` returned survives ``kill -9`` and a power cut. One process
at a time (exclusive lock). The numbers of a device (epoch, seq) move in the transaction that stores the pack, so seq has no gap.
All methods raise ``SpoolError`` and then have changed nothing. Not safe for threads: see ``SpoolThread``.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from gateway.decode import NewPack
from vigil.domain.errors import SpoolError
from vigil.runtime.clock import Clock
from vigil.wire import packs as wire
from vigil.wire.resend import HISTORY, LIVE, ResendRule, new_epoch

#: A line that comes again within so many of its device is the same pack, for a sensor that lost the answer (ours).
REMEMBERED_LINES = 1024
#: A pack that waited longer goes as history (ours): it can no longer raise an alarm in time.
LIVE_FOR_US = 60 * 1_000_000
#: Of a row and its indexes beside the payload (measured 84; rounded up).
ROW_BYTES = 100
_VERSION = 1

_TABLES = (
    """CREATE TABLE devices (device TEXT PRIMARY KEY, epoch INTEGER NOT NULL, next_seq INTEGER NOT NULL) WITHOUT ROWID""",
    """CREATE TABLE packs (
        device TEXT NOT NULL, epoch INTEGER NOT NULL, seq INTEGER NOT NULL, payload BLOB NOT NULL,
        backfill INTEGER NOT NULL, created_at INTEGER NOT NULL,
        attempts INTEGER NOT NULL DEFAULT 0, due_at INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (device, epoch, seq))""",
    """CREATE INDEX fresh ON packs (created_at) WHERE attempts = 0 AND backfill = 0""",
    # A ring by device: slot = seq modulo REMEMBERED_LINES.
    """CREATE TABLE recent (
        device TEXT NOT NULL, slot INTEGER NOT NULL, seq INTEGER NOT NULL, digest BLOB NOT NULL,
        PRIMARY KEY (device, slot)) WITHOUT ROWID""",
    f"""PRAGMA user_version = {_VERSION}""",
)
_COLUMNS = "device, epoch, seq, payload, backfill, created_at, attempts"


@dataclass(frozen=True, slots=True)
class Accepted:
    """``seq`` None: refused because the spool is full. ``repeated``: this line was accepted before."""

    seq: int | None
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A pack to be sent now. ``attempts`` counts this sending too."""

    device_id: str
    epoch: int
    seq: int
    channel: str
    payload: bytes
    attempts: int


@dataclass(slots=True)
class _Batch:
    """What one ``accept`` will have changed once it is committed."""

    size: int
    packs: int = 0
    numbers: dict[str, tuple[int, int]] = field(default_factory=dict)
    recent: dict[tuple[str, bytes], int] = field(default_factory=dict)
    forgotten: list[tuple[str, bytes]] = field(default_factory=list)


class Spool:
    def __init__(self, path: Path, max_bytes: int, rule: ResendRule, clock: Clock, rng: np.random.Generator) -> None:
        self._max_bytes = max_bytes
        self._rule = rule
        self._clock = clock
        self._rng = rng
        self._db = _opened(path)
        with self._translated():
            self._numbers: dict[str, tuple[int, int]] = {
                device: (epoch, next_seq)
                for device, epoch, next_seq in self._db.execute("SELECT device, epoch, next_seq FROM devices")
            }
            self._recent: dict[tuple[str, bytes], int] = {
                (device, digest): seq
                for device, digest, seq in self._db.execute("SELECT device, digest, seq FROM recent")
            }
            self.packs, self.size = self._db.execute(
                f"SELECT count(*), coalesce(sum(length(payload)), 0) + {ROW_BYTES} * count(*) FROM packs"
            ).fetchone()

    def close(self) -> None:
        self._db.close()

    def accept(self, new: Sequence[NewPack]) -> list[Accepted]:
        """One transaction; when it returns, every pack with a seq is on the disk."""
        if not new:
            return []
        batch = _Batch(self.size)
        with self._transaction():
            outcome = [self._accept(pack, batch) for pack in new]
            self._db.executemany(
                "INSERT OR REPLACE INTO devices VALUES (?, ?, ?)",
                [(device, *pair) for device, pair in batch.numbers.items()],
            )
        self._numbers |= batch.numbers
        for key in batch.forgotten:
            self._recent.pop(key, None)
        self._recent |= batch.recent
        self.packs, self.size = self.packs + batch.packs, batch.size
        return outcome

    def _accept(self, pack: NewPack, batch: _Batch) -> Accepted:
        device, line = pack.device_id, (pack.device_id, pack.digest)
        known = batch.recent.get(line, self._recent.get(line))
        if known is not None:
            return Accepted(known, repeated=True)
        epoch, seq = batch.numbers.get(device) or self._numbers.get(device) or self._first_numbers()
        payload = wire.write(device, epoch, seq, pack.samples)
        if batch.size + len(payload) + ROW_BYTES > self._max_bytes:
            return Accepted(None)
        self._db.execute(
            "INSERT INTO packs (device, epoch, seq, payload, backfill, created_at) VALUES (?, ?, ?, ?, ?, ?)",
            (device, epoch, seq, payload, pack.backfill, self._clock.now_us()),
        )
        slot = seq % REMEMBERED_LINES
        old = self._db.execute("SELECT digest FROM recent WHERE device = ? AND slot = ?", (device, slot)).fetchone()
        if old is not None:
            batch.forgotten.append((device, old[0]))
        self._db.execute("INSERT OR REPLACE INTO recent VALUES (?, ?, ?, ?)", (device, slot, seq, pack.digest))
        batch.recent[line] = seq
        batch.numbers[device] = (epoch, seq + 1)
        batch.packs += 1
        batch.size += len(payload) + ROW_BYTES
        return Accepted(seq)

    def _first_numbers(self) -> tuple[int, int]:
        return new_epoch(self._rng, self._clock.now_us()), 0

    def take(self, limit: int) -> list[Outgoing]:
        """At most ``limit`` packs that are due, fresh live ones first; each counts as sent from here on.

        Fresh ones go once at once; all else only inside the device's window (see ``ResendRule``).
        """
        now = self._clock.now_us()
        with self._transaction():
            rows = self._db.execute(
                f"SELECT {_COLUMNS} FROM packs WHERE attempts = 0 AND backfill = 0 AND created_at > ?"
                " ORDER BY created_at, seq LIMIT ?",
                (now - LIVE_FOR_US, limit),
            ).fetchall()
            self._mark(rows, now)
            for device, (epoch, _) in self._numbers.items():
                if len(rows) >= limit:
                    break
                found = self._oldest(device, epoch, now, limit - len(rows))
                self._mark(found, now)
                rows += found
        return [_outgoing(row, now) for row in rows]

    def _oldest(self, device: str, epoch: int, now: int, limit: int) -> list[tuple[Any, ...]]:
        (oldest,) = self._db.execute(
            "SELECT min(seq) FROM packs WHERE device = ? AND epoch = ?", (device, epoch)
        ).fetchone()
        if oldest is None:
            return []
        return self._db.execute(
            f"SELECT {_COLUMNS} FROM packs WHERE device = ? AND epoch = ? AND seq < ? AND (due_at <= ? OR due_at > ?)"
            " ORDER BY seq LIMIT ?",
            (device, epoch, oldest + self._rule.window, now, now + _us(self._rule.longest_s), limit),
        ).fetchall()

    def _mark(self, rows: Sequence[tuple[Any, ...]], now: int) -> None:
        self._db.executemany(
            "UPDATE packs SET attempts = attempts + 1, due_at = ? WHERE device = ? AND epoch = ? AND seq = ?",
            [(now + _us(self._rule.delay_s(row[6] + 1)), *row[:3]) for row in rows],
        )

    def all_due(self) -> None:
        """After a reconnect: nobody knows what the old connection still delivered. The back-off starts anew."""
        with self._transaction():
            self._db.execute("UPDATE packs SET due_at = 0, attempts = 1 WHERE due_at > 0")

    def prune(self, acknowledged: Mapping[tuple[str, int], int]) -> int:
        """Deletes what the platform has, by (device, epoch) up to seq; returns how many packs.

        Only what was sent: an acknowledgement of a number never used is about an older life of this file (a restored copy).
        """
        sizes: list[int] = []
        with self._transaction():
            for (device, epoch), seq in acknowledged.items():
                rows = self._db.execute(
                    "DELETE FROM packs WHERE device = ? AND epoch = ? AND seq <= ? AND attempts > 0"
                    " RETURNING length(payload)",
                    (device, epoch, seq),
                )
                sizes += [length for (length,) in rows.fetchall()]
        self.packs -= len(sizes)
        self.size -= sum(sizes) + ROW_BYTES * len(sizes)
        return len(sizes)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._translated():
            self._db.execute("BEGIN IMMEDIATE")
            committed = False
            try:
                yield
                self._db.execute("COMMIT")
                committed = True
            finally:
                if not committed:
                    with suppress(sqlite3.Error):  # a full disk may have rolled back already
                        self._db.execute("ROLLBACK")

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise SpoolError(f"spool: {error}") from error


def _opened(path: Path) -> sqlite3.Connection:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        db = sqlite3.connect(path, isolation_level=None, timeout=1.0, check_same_thread=False)
    except (OSError, sqlite3.Error) as error:
        raise SpoolError(f"spool {path.name} cannot be opened: {error}") from error
    try:
        # Exclusive before WAL: a second gateway on this file is told so, and no shared-memory file is needed.
        db.execute("PRAGMA locking_mode = EXCLUSIVE")
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        db.execute("BEGIN IMMEDIATE")
        (version,) = db.execute("PRAGMA user_version").fetchone()
        for statement in _TABLES if version == 0 else ():
            db.execute(statement)
        db.execute("COMMIT")
    except sqlite3.Error as error:
        db.close()
        locked = getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY
        reason = "another gateway uses it" if locked else str(error)
        raise SpoolError(f"spool {path.name} cannot be opened: {reason}") from error
    if version not in (0, _VERSION):
        db.close()
        raise SpoolError(f"spool {path.name} is of version {version}; this gateway knows {_VERSION}")
    return db


def _outgoing(row: tuple[Any, ...], now: int) -> Outgoing:
    device, epoch, seq, payload, backfill, created_at, attempts = row
    old = bool(backfill) or created_at <= now - LIVE_FOR_US
    return Outgoing(device, epoch, seq, HISTORY if old else LIVE, payload, attempts + 1)


def _us(seconds: float) -> int:
    return round(seconds * 1e6)
