"""What the spool gave up, by device and run of numbers. The platform asks for what it lacks, and is told then."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from vigil.domain.errors import Refused
from vigil.wire import packs as wire

#: Told runs that are kept to be looked at (ours).
_KEPT = 200
_COLUMNS = "device, epoch, first_seq, last_seq, reason, readings, from_us, to_us"


class Reason(StrEnum):
    AGE = "age"
    SIZE = "size"
    DAMAGED = "damaged"


@dataclass(frozen=True, slots=True)
class Lost:
    """One pack that goes. ``created_at``: when its newest line came, microseconds UTC."""

    device_id: str
    epoch: int
    seq: int
    payload: bytes
    created_at: int


@dataclass(frozen=True, slots=True)
class Dropped:
    """A run of packs. ``from_us`` and ``to_us``: the first and last time measured; of arrival where no value could be read."""

    device_id: str
    epoch: int
    first: int
    last: int
    reason: Reason
    readings: int
    from_us: int
    to_us: int


def note(db: sqlite3.Connection, reason: Reason, lost: Sequence[Lost]) -> list[Dropped]:
    """Writes it down, joined to the run before it where there is one; returns the runs that are new."""
    return [found for one in lost if (found := _note_one(db, reason, one)) is not None]


def _note_one(db: sqlite3.Connection, reason: Reason, lost: Lost) -> Dropped | None:
    times = _times(lost) or [lost.created_at]
    readings = len(_times(lost))
    joined = db.execute(
        "UPDATE dropped SET last_seq = ?, readings = readings + ?, from_us = min(from_us, ?), to_us = max(to_us, ?)"
        " WHERE device = ? AND epoch = ? AND last_seq = ? AND reason = ? AND told = 0",
        (lost.seq, readings, min(times), max(times), lost.device_id, lost.epoch, lost.seq - 1, reason),
    )
    if joined.rowcount:
        return None
    new = Dropped(lost.device_id, lost.epoch, lost.seq, lost.seq, reason, readings, min(times), max(times))
    row = (new.device_id, new.epoch, new.first, new.last, new.reason, new.readings, new.from_us, new.to_us)
    db.execute("INSERT OR REPLACE INTO dropped VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0)", row)
    return new


def _times(lost: Lost) -> list[int]:
    try:
        return wire.read(lost.payload, lost.device_id).time_us
    except Refused:
        return []


def note_told(db: sqlite3.Connection, device_id: str, epoch: int, seq: int) -> list[Dropped]:
    """The platform has acknowledged the epoch up to ``seq``; returns the runs that it knows of by that."""
    rows = db.execute(
        "UPDATE dropped SET told = 1 WHERE device = ? AND epoch = ? AND last_seq <= ? AND told = 0"
        f" RETURNING {_COLUMNS}",
        (device_id, epoch, seq),
    ).fetchall()
    if rows:
        db.execute(
            "DELETE FROM dropped WHERE told = 1 AND (device, epoch, first_seq) NOT IN"
            f" (SELECT device, epoch, first_seq FROM dropped WHERE told = 1 ORDER BY to_us DESC LIMIT {_KEPT})"
        )
    return [_dropped(row) for row in rows]


def all_dropped(db: sqlite3.Connection) -> list[Dropped]:
    return [_dropped(row) for row in db.execute(f"SELECT {_COLUMNS} FROM dropped ORDER BY device, epoch, first_seq")]


def _dropped(row: tuple[Any, ...]) -> Dropped:
    device_id, epoch, first, last, reason, *rest = row
    return Dropped(device_id, epoch, first, last, Reason(reason), *rest)
