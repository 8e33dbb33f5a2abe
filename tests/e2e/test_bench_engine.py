"""``vigil bench engine`` on few streams: every figure is printed and is a number; how fast anything is, is not asserted."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from analytics.engine.compiled import Kernels
from analytics.kernels import every_kernel
from cli.bench.contest import warmed
from cli.bench.goals import NOT_MEASURED
from cli.bench.streams import ALIKE, KINDS, Feed
from tests.product import vigil

ARGUMENTS = (
    "--streams", "50", "--streams", "200", "--batch", "100", "--batch", "1000", "--readings", "5000", "--river-s", "0.5",
    "--patients", "2", "--days", "1",
)  # fmt: skip
#: Words of every row, each short enough to stand on one line of the table.
ROWS = (
    "one thread", "two threads", "memory copied", "share of that", "a judgement", "odd to a", "a patient-day",
    "up to 10,000", "1,000,000", "memory a stream", "NEWS2 of 10,000", "back-test",
)  # fmt: skip


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict[str, Any]]:
    """What was printed, and what was written."""
    path = tmp_path_factory.mktemp("bench") / "found.json"
    done = vigil("bench", "engine", *ARGUMENTS, "--json", str(path), timeout_s=280)
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return done.stdout, found


def test_every_row_is_printed_beside_its_goal(run: tuple[str, dict[str, Any]]) -> None:
    printed, found = run
    assert [row for row in ROWS if row not in printed] == []
    assert f"numba {found['machine']['numba']}" in printed
    assert [goal["what"] for goal in found["goals"] if goal["found"] == NOT_MEASURED] == [
        "1,000,000 streams in random order"
    ]
    assert "at this rate" in found["goals"][-1]["found"], "part of the readings is never said to be all of them"


def test_all_rates_are_numbers_and_both_contestants_had_every_round(run: tuple[str, dict[str, Any]]) -> None:
    _, found = run
    assert [each["streams"] for each in found["contests"]] == [50, 200]
    for each in found["contests"]:
        rates = [*each["ours"]["100"], *each["ours"]["1000"], *each["river"]]
        assert len(rates) == 9
        assert all(math.isfinite(rate) and rate > 0 for rate in rates)
        assert each["times_river"].keys() == {"100", "1000"}
    assert found["backtest"]["readings"] == 2 * 1440 * len(KINDS)
    assert found["backtest"]["workers"] == 1, "two people are one group"


def test_the_stack_did_its_work_while_it_was_measured(run: tuple[str, dict[str, Any]]) -> None:
    _, found = run
    for each in found["contests"]:
        tally = each["tally"]
        assert tally["infinite"] == 0
        assert tally["judged"] > 0.9 * tally["scores"], "after its warm-up every detector judges"
        assert 0 < tally["gated"] < 0.05 * tally["readings"]


def test_the_latency_bench_loads_neither_numba_nor_river() -> None:
    """A start waits for its imports."""
    code = "import sys, cli.bench; print([name for name in ('numba', 'river') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"


def test_without_river_the_own_rates_are_printed(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['river'] = None; sys.modules['river.anomaly'] = None; "
        f"sys.argv = ['vigil', 'bench', 'engine', *{ARGUMENTS!r}]; from cli.main import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=280)
    assert done.returncode == 0, done.stderr
    assert "river is not installed: comparison left out" in done.stdout
    assert NOT_MEASURED in done.stdout
    assert "one thread" in done.stdout


def test_a_feed_ascends_and_says_each_stream_once_a_minute() -> None:
    feed = Feed(40, 1_767_225_600_000_000, seed=5)
    parts = [feed.take(size) for size in (7, 40, 33, 80)]
    at, slot = (np.concatenate([getattr(part, name) for part in parts]) for name in ("at", "slot"))
    assert (np.diff(at) > 0).all()
    assert all(sorted(slot[start : start + 40]) == list(range(40)) for start in range(0, 160, 40))
    assert not (slot[:40] == slot[40:80]).all(), "in an order drawn anew"


def test_copied_memory_is_that_of_a_stream_alike() -> None:
    """Beyond ``ALIKE`` streams nobody lives through the warm-up: the memory is copied, from a stream of the same vital."""
    assert ALIKE % len(KINDS) == 0
    kernels = Kernels()
    kernels.compile(every_kernel())
    engine, _ = warmed(kernels, ALIKE + 7)
    columns: list[NDArray[Any]] = [engine.profile, engine.record]
    for column in columns:
        np.testing.assert_array_equal(column[ALIKE : ALIKE + 7], column[:7])
    assert (engine.state[engine.numbers["drift"]][:, 2] > 0).all(), "every stream has learnt"
