"""Run by ``test_kill_closing`` as a child: closes, merges or forgets days, and kills itself (SIGKILL) at the point it is told."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from tests.conformance.stores.given import T0, commit, readings, streams
from vigil.domain.times import DAY, MINUTE
from vigil.runtime.clock import ManualClock
from vigil.store.duck import DuckReadingStore, history, hours
from vigil.store.duck.closing import MOST_FILES, Days
from vigil.store.duck.connection import DuckFile

Row = tuple[int, int, float, int]
#: Three days of two streams.
ROWS: list[Row] = [
    (stream, T0 + place * 10 * MINUTE + stream, 60.0 + place % 11, 0) for place in range(3 * 144) for stream in (0, 1)
]
#: What comes late for the first day, each after it was closed, until its files are more than may be.
LATE: list[Row] = [(0, T0 + hour * 60 * MINUTE + 7, 99.0, 0) for hour in range(MOST_FILES)]
#: By name: what is never returned from, and how many days are closed, or forgotten, by the call that ends so.
POINTS: dict[str, tuple[object, str]] = {
    "close: the file is written and not safe": (history, "sync"),
    "close: the file has its name, its hours are added up": (hours, "of"),
    "close: the hours are added up, nothing is in the database": (DuckFile, "settle"),
    "close: all but the hours is in the transaction": (hours, "enter"),
    "merge: the many files are the database's no more": (Days, "_unlink"),
    "forget: all but the hours' mark is in the transaction": (hours, "forget_readings"),
    "forget: the files are the database's no more": (Days, "_unlink"),
}


def die(*_args: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def close(store: DuckReadingStore, arm: Callable[[], None]) -> None:
    arm()
    store.close_days(T0 + DAY)


def merge(store: DuckReadingStore, arm: Callable[[], None]) -> None:
    for place, row in enumerate(LATE):
        store.close_days(T0 + DAY)
        store.commit(commit(readings([row])))
        if place == len(LATE) - 1:
            arm()
    store.close_days(T0 + DAY)


def forget(store: DuckReadingStore, arm: Callable[[], None]) -> None:
    store.close_days(T0 + 2 * DAY)
    arm()
    store.forget_days(T0 + DAY)


def opened(folder: Path) -> DuckReadingStore:
    return DuckReadingStore(folder / "readings.duckdb", ManualClock())


if __name__ == "__main__":
    point = sys.argv[1]
    owner, name = POINTS[point]
    made = opened(Path(sys.argv[2]))
    made.commit(commit(readings(ROWS), streams(2)))
    act = {"close": close, "merge": merge, "forget": forget}[point.split(":")[0]]
    act(made, lambda: setattr(owner, name, die))
