"""Run by ``test_kill`` as a child: commits without end and prints each number that is safe. It waits to be killed."""

from __future__ import annotations

import sys
from itertools import count
from pathlib import Path

from tests.conformance.stores.factories import READING_STORES, RECORD_STORES
from tests.conformance.stores.given import T0, alert, commit, opened, readings, streams
from vigil.store import STORED, PackRow


def size_of(turn: int) -> int:
    """Readings of commit ``turn``: small ones mostly, a large one now and then so that DuckDB also writes its file."""
    return 20_000 if turn % 40 == 39 else 1 + turn % 600


def commit_readings(folder: Path, name: str) -> None:
    store = READING_STORES[name](folder)
    store.commit(commit(new=streams(1)))
    for turn in count():
        first = store.head() + 1
        rows = [(0, T0 + first + place, float(first + place), 0) for place in range(size_of(turn))]
        store.commit(commit(readings(rows), packs=[PackRow("w-1", 1, turn, STORED, turn)]))
        print(store.head(), flush=True)


def record_alerts(folder: Path, name: str) -> None:
    store = RECORD_STORES[name](folder)
    for turn in count():
        kept = store.record(opened(alert(f"a-{turn}", cause=f"ordinal:{turn}:opened")))
        print(kept.seq if kept else "nothing", flush=True)


if __name__ == "__main__":
    {"readings": commit_readings, "records": record_alerts}[sys.argv[1]](Path(sys.argv[3]), sys.argv[2])
