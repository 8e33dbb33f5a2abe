"""A process that is killed while it closes, merges or forgets days: each reading is there once, with the figures of its hour."""

from __future__ import annotations

import subprocess
import sys
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from tests.conformance.stores.closing_days import LATE, POINTS, ROWS, Row, opened
from tests.conformance.stores.given import T0
from vigil.domain.times import DAY, HOUR
from vigil.store import EVERY_READING
from vigil.store.duck import DuckReadingStore
from vigil.store.duck.history import FOLDER

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("point", POINTS)
def test_after_kill_9_each_reading_is_there_once_and_so_is_its_hour(tmp_path: Path, point: str) -> None:
    command = [sys.executable, "-m", "tests.conformance.stores.closing_days", point, str(tmp_path)]
    killed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert (killed.returncode, killed.stderr) == (-9, "")
    rows = [*ROWS, *LATE] if point.startswith("merge") else ROWS
    with closing(opened(tmp_path)) as store:
        assert (store.head(), store.missing) == (len(rows), [])
        gone = store.whole_since()
        assert gone == (T0 + DAY if point == "forget: the files are the database's no more" else 0)
        assert_there(store, rows, gone)
        store.close_days(T0 + 2 * DAY)
        assert_there(store, rows, gone)
        files = sorted(path.name for path in (tmp_path / FOLDER).iterdir())
        assert [name.split(".")[0] for name in files] == ["2026-01-01", "2026-01-02"][bool(gone) :]


def assert_there(store: DuckReadingStore, rows: list[Row], gone: int) -> None:
    found = store.range([0, 1], 0, T0 + 9 * DAY, EVERY_READING)
    kept = sorted((at, stream, value) for stream, at, value, _ in rows if at >= gone)
    assert list(zip(found.measured_at.tolist(), found.stream.tolist(), found.value.tolist(), strict=True)) == kept
    for stream in (0, 1):
        hours = np.array([(at - T0) // HOUR for one, at, _, _ in rows if one == stream])
        counts = store.buckets([stream], T0, T0 + 3 * DAY, 72).count
        np.testing.assert_array_equal(counts, np.bincount(hours, minlength=72))
