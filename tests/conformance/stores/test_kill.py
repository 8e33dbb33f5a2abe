"""A store whose process is killed keeps all that it said was safe, and nothing by half."""

from __future__ import annotations

import subprocess
import sys
from itertools import accumulate, count, takewhile
from pathlib import Path

import numpy as np
import pytest

from tests.conformance.stores.committing import size_of
from tests.conformance.stores.conftest import Opener
from tests.conformance.stores.given import commit, readings
from vigil.store import ReadingStore, RecordStore

ROOT = Path(__file__).parents[3]


def killed(kind: str, name: str, folder: Path, lines: int) -> list[int]:
    """Starts the child, kills it (SIGKILL) after ``lines`` printed numbers, wherever it is then; all that it printed."""
    command = [sys.executable, "-m", "tests.conformance.stores.committing", kind, name, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as child:
        assert child.stdout is not None
        printed = [child.stdout.readline() for _ in range(lines)]
        child.kill()
        printed += child.stdout.readlines()
    assert child.returncode == -9
    return [int(line) for line in printed if line.endswith("\n")]


@pytest.mark.parametrize("seed", range(3))
def test_every_commit_that_was_reported_is_there_once_after_kill_9(
    reading_stores: Opener[ReadingStore], seed: int
) -> None:
    lines = int(np.random.default_rng(seed).integers(20, 130))
    printed = killed("readings", reading_stores.name, reading_stores.folder, lines)
    store = reading_stores.open()
    assert store.head() >= printed[-1]
    everything = store.after(0, store.head())
    expected = np.arange(1, store.head() + 1)
    np.testing.assert_array_equal(everything.ordinal, expected)
    np.testing.assert_array_equal(everything.value, expected)
    # A commit is whole: as many packs as the readings say, in order.
    ((_, _, turns),) = store.packs()
    heads = list(takewhile(lambda head: head <= store.head(), accumulate(size_of(turn) for turn in count())))
    assert turns.tolist() == list(range(len(heads)))
    assert heads[-1] == store.head()
    assert printed == heads[: len(printed)]
    assert store.latest().value[0] == store.head()
    assert store.commit(commit(readings([(0, 1, 1.0, 0)]))).ordinal.tolist() == [heads[-1] + 1]


@pytest.mark.parametrize("seed", range(2))
def test_every_transition_that_was_reported_is_there_once_after_kill_9(
    record_stores: Opener[RecordStore], seed: int
) -> None:
    lines = int(np.random.default_rng(seed).integers(20, 200))
    printed = killed("records", record_stores.name, record_stores.folder, lines)
    store = record_stores.open()
    log = store.transitions()
    assert [line.seq for line in log][: len(printed)] == printed
    assert len({line.cause for line in log}) == len(log) == store.last_seq()
    assert {one.alert_id for one in store.alerts()} == {line.after.alert_id for line in log}
