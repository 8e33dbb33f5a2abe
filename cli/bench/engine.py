"""``vigil bench engine``: the detector stack against river, its memory, and the back-test, all in one run on this machine."""

from __future__ import annotations

import json
import os
import platform
import tempfile
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from analytics.engine.compiled import Kernels
from analytics.kernels import every_kernel
from cli.bench.contest import Contest, Effort, contest, timed, two_threads
from cli.bench.goals import Figures, Goal, facts, goals
from cli.bench.peer import gaussian_scorer
from cli.bench.recorded import backtest
from cli.bench.single import copy_rate, news2_seconds
from vigil.domain.errors import ConfigError
from vigil.runtime import log
from vigil.runtime.clock import Clock, SystemClock

STREAMS = [100, 10_000, 1_000_000]
BATCHES = [100, 1_000, 10_000, 100_000]
#: Streams and batch of one thread against two.
_SHARED = 10_000
_SAID = {True: "yes", False: "no", None: "–"}


def engine(
    streams: Annotated[list[int], typer.Option(min=2, help="Number of streams; may be given again.")] = STREAMS,
    batch: Annotated[list[int], typer.Option(min=1, help="Readings a batch; may be given again.")] = BATCHES,
    rounds: Annotated[int, typer.Option(min=3, max=99, help="Turns of each contestant; medians are shown.")] = 3,
    readings: Annotated[int, typer.Option(min=1000, help="Most readings of a turn.")] = 500_000,
    river_s: Annotated[float, typer.Option(min=0.1, help="About so many seconds of river at each number.")] = 20.0,
    patients: Annotated[int, typer.Option(min=1, max=100_000, help="People of the back-test.")] = 40,
    days: Annotated[int, typer.Option(min=1, max=366, help="Days of each of them, a reading a minute and vital.")] = 30,
    out: Annotated[Path | None, typer.Option("--json", help="Also write the numbers into this file.")] = None,
) -> None:
    """The detector stack against river's GaussianScorer, memory a stream, share of copy bandwidth, back-test rate."""
    log.setup("bench", "warning")
    console, clock = Console(), SystemClock()
    began = clock.monotonic()
    machine = _machine()
    console.print(", ".join(f"{name} {value}" for name, value in machine.items()), soft_wrap=True)
    kernels = Kernels()
    loading, _ = timed(clock, lambda: kernels.compile(every_kernel()))
    console.print(f"compiling the kernels, or loading them from the cache: {loading:.1f} s")
    if gaussian_scorer() is None:
        console.print("river is not installed: comparison left out")
    figures = _measure(kernels, streams, batch, Effort(rounds, readings, river_s), (patients, days), clock)
    reached = goals(figures)
    _print(console, figures, reached)
    took = clock.monotonic() - began
    console.print(f"all of it took {took:.0f} s")
    if out is not None:
        _write(out, {"machine": machine, "loading_s": loading, "took_s": took}, figures, reached)


def _measure(
    kernels: Kernels, streams: list[int], batches: list[int], effort: Effort, people: tuple[int, int], clock: Clock
) -> Figures:
    copies = [copy_rate(effort.rounds, clock)]
    contests = [contest(kernels, number, batches, effort, clock) for number in sorted(set(streams))]
    copies.append(copy_rate(effort.rounds, clock))
    one, two = two_threads(kernels, min(_SHARED, max(streams)), min(_SHARED, max(batches)), effort, clock)
    seconds, complete = news2_seconds(kernels, clock)
    with tempfile.TemporaryDirectory(prefix="vigil-bench-") as folder:
        judged = backtest(*people, _cores(), Path(folder), clock)
    return Figures(contests, one, two, sum(copies) / len(copies), seconds, complete, judged)


def _machine() -> dict[str, Any]:
    return {
        "cores": _cores(),
        "processor": platform.machine(),
        "python": platform.python_version(),
        "numpy": version("numpy"),
        "numba": version("numba"),
    }


def _cores() -> int:
    """That this process may use."""
    return len(os.sched_getaffinity(0))


def _print(console: Console, figures: Figures, reached: list[Goal]) -> None:
    console.print(_rates(figures.contests))
    table = Table("figure", "value")
    for name, value in facts(figures):
        table.add_row(name, value)
    console.print(table)
    table = Table("figure", "goal", "found", "reached")
    for goal in reached:
        table.add_row(goal.what, goal.goal, goal.found, _SAID[goal.reached])
    console.print(table)


def _rates(contests: list[Contest]) -> Table:
    """Medians: millions of readings a second, one thread, and how many times river's rate in the same rounds."""
    table = Table("streams", title="Millions of readings a second, and times river")
    for batch in contests[0].ours:
        table.add_column(f"batch {batch:,}", justify="right")
    table.add_column("river", justify="right")
    for each in contests:
        cells = []
        for batch in each.ours:
            ratio = each.ratio(batch)
            cells.append(f"{each.rate(batch) / 1e6:.2f}" + ("" if ratio is None else f" ({ratio:.0f}×)"))
        peer = each.river_rate
        table.add_row(f"{each.streams:,}", *cells, "–" if peer is None else f"{peer / 1e6:.3f}")
    return table


def _write(path: Path, head: dict[str, Any], figures: Figures, reached: list[Goal]) -> None:
    """Raises ``ConfigError`` when the file cannot be written."""
    whole = {**head, **asdict(figures), "goals": [asdict(goal) for goal in reached]}
    for row, each in zip(whole["contests"], figures.contests, strict=True):
        row["times_river"] = {batch: each.ratio(batch) for batch in each.ours}
    try:
        path.write_text(json.dumps(whole, indent=1, ensure_ascii=False) + "\n", "utf-8")
    except OSError as error:
        raise ConfigError(f"cannot write {path.name}: {error.strerror}") from error
