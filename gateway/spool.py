"""Step "spool": packs on disk from the moment a line is accepted until the platform has them.

What ``accept`` returned survives ``kill -9`` and a power cut. Each start numbers the packs of a device anew, in an epoch of its
own: a file that lost its end, or an old copy of it, can then never give one number to two packs. Inside an epoch seq has no gap.
All methods raise ``SpoolError`` and then have changed nothing. Not safe for threads: see ``SpoolThread``.
"""

from __future__ import annotations

import logging
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from itertools import chain, pairwise
from pathlib import Path
from typing import Any

import numpy as np

from gateway.decode import NewPack
from gateway.spool_accept import ROW_BYTES, Accepted, Batch, Register
from gateway.spool_bounds import KEPT_US, QUIET_S, Limits, oldest
from gateway.spool_dropped import Dropped, Lost, Reason, all_dropped, note, note_told
from gateway.spool_file import opened
from gateway.spool_join import STALLED_S
from gateway.spool_reserve import Reserve, is_full, shrink
from gateway.spool_tables import READ_ERRORS, check_sum, is_damage
from vigil.domain.errors import SpoolError
from vigil.domain.times import to_iso
from vigil.runtime.clock import Clock
from vigil.wire.commands import Backfill
from vigil.wire.resend import HISTORY, LIVE, ResendRule

logger = logging.getLogger(__name__)

#: A pack that waited longer goes as history (ours): it can no longer raise an alarm in time.
LIVE_FOR_US = 60 * 1_000_000
#: The wall clock moved so much against the steady one: it was set (ours).
_JUMP_US = 60 * 1_000_000
#: Room that is made for each new line (ours; a line of six values takes half of it).
_LINE_BYTES = 512
#: Packs deleted in one transaction (ours).
_AT_ONCE = 500

_COLUMNS = "device, epoch, seq, payload, crc, backfill, created_at, attempts"
_FRESH = "due_at = 0 AND backfill = 0 AND created_at > :fresh"
_Row = tuple[Any, ...]
Key = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A pack to be sent now. ``attempts`` counts this sending too."""

    device_id: str
    epoch: int
    seq: int
    channel: str
    payload: bytes
    attempts: int


class Spool:
    """``packs`` wait and take ``size`` bytes, about. ``rescued``: what a damaged file lost at this start. ``damaged``: SQLite
    could not read the file since, so it must be opened anew. ``lost`` counts packs that were dropped since the start."""

    def __init__(self, path: Path, limits: Limits, rule: ResendRule, clock: Clock, rng: np.random.Generator) -> None:
        self._limits = limits
        self._rule = rule
        self._clock = clock
        self.damaged = False
        self.lost: Counter[Reason] = Counter()
        self._after_commit: list[Callable[[], None]] = []
        self._asked_s = self._progress_s = self._steady_s = clock.monotonic()
        self._started_us = self._wall_us = clock.now_us()
        self._db, self.rescued = opened(path, clock)
        self._reserve = Reserve(path)
        self._reserve.keep()
        with self._translated():
            self._register = Register(self._db, limits.max_bytes, rng)
            self._keys: set[Key] = set(self._db.execute("SELECT DISTINCT device, epoch FROM packs"))
            self.packs, self.size = self._db.execute(
                f"SELECT count(*), coalesce(sum(length(payload)), 0) + {ROW_BYTES} * count(*) FROM packs"
            ).fetchone()

    def close(self) -> None:
        self._db.close()

    def accept(self, new: Sequence[NewPack]) -> list[Accepted]:
        """One transaction; when it returns, every line with a seq is on the disk, in the pack of that number."""
        if not new:
            return []
        self._check_disk()
        self._follow_clock()
        self._make_room(len(new))
        stalled = self._clock.monotonic() - self._asked_s >= STALLED_S
        batch = Batch(self.size, self._clock.now_us(), stalled)
        with self._transaction():
            outcome = self._register.write(new, batch)
        self._register.committed(batch)
        self._keys |= {(device, epoch) for device, (epoch, _) in batch.numbers.items()}
        self.packs, self.size = self.packs + batch.packs, batch.size
        return outcome

    def take_live(self, limit: int) -> list[Outgoing]:
        """At most ``limit`` fresh live packs, the newest first; each counts as sent from here on."""
        self._follow_clock()
        self._asked_s = self._clock.monotonic()
        now = self._clock.now_us()
        with self._transaction():
            rows = self._db.execute(
                f"SELECT {_COLUMNS} FROM packs WHERE {_FRESH} ORDER BY created_at DESC, seq DESC LIMIT :limit",
                {"fresh": now - LIVE_FOR_US, "limit": limit},
            ).fetchall()
            return self._sent(rows, now)

    def take_history(self, limit: int) -> list[Outgoing]:
        """At most ``limit`` of all else that is due, the oldest first, inside the window of each epoch (see ``ResendRule``)."""
        self._follow_clock()
        now = self._clock.now_us()
        with self._transaction():
            found = [self._due(key, now, limit) for key in sorted(self._keys)]
            rows = sorted(chain.from_iterable(found), key=lambda row: (row[6], row[2]))[:limit]
            return self._sent(rows, now)

    def _due(self, key: Key, now: int, limit: int) -> list[_Row]:
        (lowest,) = self._db.execute("SELECT min(seq) FROM packs WHERE device = ? AND epoch = ?", key).fetchone()
        if lowest is None:
            if self._register.next_seq(*key) is None:
                self._keys.discard(key)  # an earlier start's; nothing is added to it any more
            return []
        return self._db.execute(
            f"SELECT {_COLUMNS} FROM packs WHERE device = :device AND epoch = :epoch AND seq < :end"
            f" AND (due_at <= :now OR due_at > :far) AND NOT ({_FRESH}) ORDER BY seq LIMIT :limit",
            {
                "device": key[0],
                "epoch": key[1],
                "end": lowest + self._rule.window,
                "now": now,
                "far": now + _us(self._rule.longest_s),
                "fresh": now - LIVE_FOR_US,
                "limit": limit,
            },
        ).fetchall()

    def _sent(self, rows: Sequence[_Row], now: int) -> list[Outgoing]:
        """Marks them; one whose bytes are not what was written is dropped instead of sent."""
        sound = [row for row in rows if check_sum(*row[:4]) == row[4]]
        self._give_up(
            Reason.DAMAGED, [Lost(row[0], row[1], row[2], row[3], row[6]) for row in rows if row not in sound]
        )
        self._db.executemany(
            "UPDATE packs SET attempts = attempts + 1, due_at = ? WHERE device = ? AND epoch = ? AND seq = ?",
            [(now + _us(self._rule.delay_s(row[7] + 1)), *row[:3]) for row in sound],
        )
        for row in sound:
            self._register.grows_no_more(*row[:3])
        return [_outgoing(row, now) for row in sound]

    def all_due(self) -> int:
        """After a reconnect: nobody knows what the old connection still delivered. The back-off starts anew for all sent."""
        with self._transaction():
            return self._db.execute("UPDATE packs SET due_at = 0, attempts = 1 WHERE due_at > 0").rowcount

    def asked_again(self, device_id: str, asked: Backfill) -> list[Backfill]:
        """The platform lacks these: those still here are due at once; returns the runs that are here no more.

        Of an epoch that is not known here nothing is said: its packs may be another sender's.
        """
        numbers = (device_id, asked.epoch, asked.from_, asked.to)
        with self._transaction():
            self._db.execute(
                "UPDATE packs SET due_at = 1 WHERE device = ? AND epoch = ? AND seq BETWEEN ? AND ? AND attempts > 0",
                numbers,
            )
            here = self._db.execute(
                "SELECT seq FROM packs WHERE device = ? AND epoch = ? AND seq BETWEEN ? AND ? ORDER BY seq", numbers
            ).fetchall()
            last = self._last_seq(device_id, asked.epoch)
        return [] if last is None else _holes(asked, min(asked.to, last), [seq for (seq,) in here])

    def _last_seq(self, device_id: str, epoch: int) -> int | None:
        """The greatest number that is known to have been given; None for an epoch that is not known."""
        next_seq = self._register.next_seq(device_id, epoch)
        if next_seq is not None:
            return next_seq - 1
        (last,) = self._db.execute(
            "SELECT max(seq) FROM (SELECT seq FROM packs WHERE device = ?1 AND epoch = ?2"
            " UNION ALL SELECT last_seq FROM dropped WHERE device = ?1 AND epoch = ?2)",
            (device_id, epoch),
        ).fetchone()
        return None if last is None else int(last)

    def prune(self, acknowledged: Mapping[Key, int]) -> int:
        """Deletes what the platform has, by (device, epoch) up to seq; returns how many packs.

        Only what was sent: an acknowledgement of a number never used is about an older life of this file (a restored copy).
        """
        pruned = 0
        for key, seq in acknowledged.items():
            while some := self._prune_some(key, seq):
                pruned += some
            with self._transaction():
                told = note_told(self._db, *key, seq)
            for run in told:
                logger.warning("the platform knows: %s", describe(run))
        if pruned:
            self._progress_s = self._clock.monotonic()
        return pruned

    def _prune_some(self, key: Key, seq: int) -> int:
        """One transaction: to delete many packs at once needs as much room as they have."""
        with self._transaction():
            rows = self._db.execute(
                "DELETE FROM packs WHERE rowid IN (SELECT rowid FROM packs WHERE device = ? AND epoch = ? AND seq <= ?"
                " AND attempts > 0 LIMIT ?) RETURNING length(payload)",
                (*key, seq, _AT_ONCE),
            ).fetchall()
        self._forget([length for (length,) in rows])
        return len(rows)

    def drop_old(self) -> int:
        """Drops what is too old, at most 500 packs a call, unless the platform is taking packs; returns how many."""
        self._follow_clock()
        if self._clock.monotonic() - self._progress_s < QUIET_S:
            return 0
        return self._drop(Reason.AGE, self._clock.now_us() - _us(self._limits.max_age_s), None)

    def dropped(self) -> list[Dropped]:
        """What went, as far as it is remembered."""
        with self._translated():
            return all_dropped(self._db)

    def _check_disk(self) -> None:
        """New lines wait until there is room for deleting old ones again."""
        if not self._reserve.keep():
            shrink(self._db)
            if not self._reserve.keep():
                raise SpoolError("spool: the disk is full")

    def _make_room(self, lines: int) -> None:
        """What can raise no alarm any more goes for what can."""
        need = self.size + lines * _LINE_BYTES - self._limits.max_bytes
        if need > 0:
            self._drop(Reason.SIZE, self._clock.now_us() - KEPT_US, need)

    def _drop(self, reason: Reason, before_us: int, need_bytes: int | None) -> int:
        with self._transaction():
            lost = oldest(self._db, self._keys, before_us, need_bytes)
            self._give_up(reason, lost)
        return len(lost)

    def _give_up(self, reason: Reason, lost: Sequence[Lost]) -> None:
        """Inside a transaction."""
        if not lost:
            return
        new = note(self._db, reason, lost)
        self._db.executemany(
            "DELETE FROM packs WHERE device = ? AND epoch = ? AND seq = ?",
            [(one.device_id, one.epoch, one.seq) for one in lost],
        )
        self._after_commit.append(partial(self._given_up, reason, lost, new))

    def _given_up(self, reason: Reason, lost: Sequence[Lost], new: Sequence[Dropped]) -> None:
        self._forget([len(one.payload) for one in lost])
        self.lost[reason] += len(lost)
        for one in lost:
            self._register.grows_no_more(one.device_id, one.epoch, one.seq)
        for run in new:
            logger.warning("the spool begins to drop: %s", describe(run))

    def _forget(self, sizes: Sequence[int]) -> None:
        self.packs -= len(sizes)
        self.size -= sum(sizes) + ROW_BYTES * len(sizes)

    def _follow_clock(self) -> None:
        """Moves the arrival of this start's packs along when the wall clock is set: else a gateway that began in 1970 would
        drop them for their age as soon as it learns the date."""
        wall, steady = self._clock.now_us(), self._clock.monotonic()
        jump = (wall - self._wall_us) - _us(steady - self._steady_s)
        if abs(jump) > _JUMP_US:
            with self._transaction():
                self._db.execute(
                    "UPDATE packs SET created_at = created_at + ? WHERE created_at BETWEEN ? AND ?",
                    (jump, self._started_us, self._wall_us),
                )
            self._started_us += jump
        self._wall_us, self._steady_s = wall, steady

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._after_commit.clear()
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
        for act in self._after_commit:
            act()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except READ_ERRORS as error:
            self.damaged = self.damaged or is_damage(error)
            if is_full(error):
                self._reserve.release()
                shrink(self._db)
            raise SpoolError(f"spool: {error}") from error


def describe(run: Dropped) -> str:
    """
    >>> describe(Dropped("w-1", 7, 3, 5, Reason.AGE, 12, 0, 60_000_000))
    'device w-1, epoch 7, packs 3 to 5 (12 readings measured from 1970-01-01T00:00:00.000Z to 1970-01-01T00:01:00.000Z): age'
    """
    times = f"{run.readings} readings measured from {to_iso(run.from_us)} to {to_iso(run.to_us)}"
    return f"device {run.device_id}, epoch {run.epoch}, packs {run.first} to {run.last} ({times}): {run.reason}"


def _holes(asked: Backfill, last: int, here: Sequence[int]) -> list[Backfill]:
    """
    >>> [(hole.from_, hole.to) for hole in _holes(Backfill(7, 3, 20), 12, [5, 6, 9])]
    [(3, 4), (7, 8), (10, 12)]
    """
    edges = [asked.from_ - 1, *here, last + 1]
    return [Backfill(asked.epoch, left + 1, right - 1) for left, right in pairwise(edges) if left + 1 < right]


def _outgoing(row: _Row, now: int) -> Outgoing:
    device, epoch, seq, payload, _, backfill, created_at, attempts = row
    old = bool(backfill) or created_at <= now - LIVE_FOR_US
    return Outgoing(device, epoch, seq, HISTORY if old else LIVE, payload, attempts + 1)


def _us(seconds: float) -> int:
    return round(seconds * 1e6)
