"""Start again where a process stopped: snapshot of the arrays with their place in the input, then replay from the store.

A snapshot is one file, written whole or not at all. One of another version, of another store, or damaged is left aside, and the
state is built anew from the readings that came in the last 24 h. What a replay finds again is on record already and is ignored.
"""

from __future__ import annotations

import logging
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from analytics.state import State
from vigil.domain.readings import ReadingBatch
from vigil.domain.times import DAY
from vigil.runtime.files import whole
from vigil.store import ReadingHistory

_LOG = logging.getLogger(__name__)
#: Raise it with any change to what a snapshot holds or means.
VERSION = 5
REBUILD_FROM = DAY
CHUNK = 50_000


@dataclass(frozen=True, slots=True)
class Snapshot:
    """``seq``: the end of the alert log when it was written, 0 = nothing was loaded."""

    state: State
    seq: int


def save(path: Path, state: State, seq: int) -> None:
    """Raises ``OSError`` when the file cannot be written; then the old one stands."""
    arrays = {"meta": np.array([VERSION, state.position, seq], np.int64), **state.saved()}
    with whole(path) as file:
        np.savez(file, allow_pickle=False, **arrays)


def load(path: Path, empty: State, readings: ReadingHistory) -> Snapshot | None:
    """Fill ``empty`` from the snapshot; None when there is none that can be used, then ``empty`` must not be used either."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as saved:
            version, position, seq = (int(number) for number in saved["meta"])
            if version != VERSION or position > readings.head():
                _LOG.warning("snapshot of version %d at reading %d does not fit: rebuilding", version, position)
                return None
            empty.load(saved)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        _LOG.warning("snapshot is damaged (%s): rebuilding", type(error).__name__)
        return None
    empty.extend()
    if not empty.slots.reindex():
        _LOG.warning("snapshot names bindings that are not on record: rebuilding")
        return None
    empty.windows.reindex()
    empty.position = position
    return Snapshot(empty, seq)


def position_before(readings: ReadingHistory, at: int) -> int:
    """The last ordinal received before ``at``; ordinals are consecutive, and receipt follows them closely enough."""
    low, high = 0, readings.head()
    while low < high:
        middle = (low + high) // 2
        found = readings.after(middle, 1)
        if len(found) and int(found.received_at[0]) < at:
            low = middle + 1
        else:
            high = middle
    return low


def replayed(readings: ReadingHistory, state: State, until: int | None = None) -> Iterator[ReadingBatch]:
    """Stored readings after the state's position, in chunks, up to the ordinal ``until`` or the end. Ask for the next chunk only
    when ``position`` has moved past the last one."""
    while until is None or state.position < until:
        limit = CHUNK if until is None else min(CHUNK, until - state.position)
        batch = readings.after(state.position, limit)
        if not len(batch):
            return
        yield batch
