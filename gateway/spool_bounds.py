"""Which packs go when something must: the oldest of all devices first, each device's in the order of its numbers."""

from __future__ import annotations

import heapq
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import takewhile
from operator import attrgetter

from gateway.spool_accept import ROW_BYTES
from gateway.spool_dropped import Lost

#: What may wait on disk, and how long, where nothing else is set (ours).
SPOOL_MIB, MAX_AGE_DAYS = 256, 14.0
MAX_AGE_S = MAX_AGE_DAYS * 24 * 3600
#: Younger packs never make room for new ones: they may still raise an alarm, as the platform judges what is up to 24 h late.
KEPT_US = 24 * 3600 * 1_000_000
#: An age beyond this says that a clock was wrong, not that the pack is old (ours).
_PLAUSIBLE_US = 366 * 24 * 3600 * 1_000_000
#: While acknowledgements come, and so long after a start or the last of them, nothing is too old (ours): it is being delivered.
QUIET_S = 600.0
#: Packs dropped in one transaction (ours).
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Limits:
    """``max_bytes`` of payload and rows that may wait, for at most ``max_age_s`` seconds."""

    max_bytes: int
    max_age_s: float = MAX_AGE_S


def oldest(
    db: sqlite3.Connection, keys: Iterable[tuple[str, int]], before_us: int, need_bytes: int | None
) -> list[Lost]:
    """Packs that came before ``before_us``, until ``need_bytes`` are free (None: all of them), at most 500 in one go."""
    found: list[Lost] = []
    for lost in heapq.merge(*(_old(db, key, before_us) for key in keys), key=attrgetter("created_at")):
        if len(found) == _AT_ONCE or (need_bytes is not None and need_bytes <= 0):
            break
        found.append(lost)
        need_bytes = None if need_bytes is None else need_bytes - len(lost.payload) - ROW_BYTES
    return found


def _old(db: sqlite3.Connection, key: tuple[str, int], before_us: int) -> Iterator[Lost]:
    """Of one device and epoch, in the order of the numbers, up to the first that is not old."""
    rows = db.execute(
        "SELECT device, epoch, seq, payload, created_at FROM packs WHERE device = ? AND epoch = ? ORDER BY seq", key
    )
    return takewhile(
        lambda lost: before_us - _PLAUSIBLE_US < lost.created_at <= before_us, (Lost(*row) for row in rows)
    )
