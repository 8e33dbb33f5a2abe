"""``vigil bench store``: what the store of readings answers and takes, by itself, while it is written to."""

from __future__ import annotations

import json
import os
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from io import FileIO
from pathlib import Path
from statistics import median
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from cli.bench.api_ward import BEDS, WORN, batch_of, people_of, remember
from cli.bench.contest import timed
from vigil.domain.errors import ConfigError
from vigil.domain.readings import ReadingBatch, Stream
from vigil.domain.times import DAY, HOUR, MINUTE
from vigil.runtime import log
from vigil.runtime.clock import Clock, SystemClock
from vigil.store import EVERY_READING, Commit
from vigil.store.duck.store import DuckReadingStore

#: The goals (design, "What it must reach"): seconds of half of the calls, and shares of a raw append.
LATEST_S, DAY_S, MONTH_S, WARD_S = 0.002, 0.015, 0.010, 0.060
SHARES = {1_000: 0.15, 10_000: 0.2}
#: A commit of ingest, of which so many make ``RATE`` values a second.
BATCH, APART_S, RATE = 500, 0.05, 10_000
#: Appends of each kind, in turns; medians are shown.
APPENDS = 31
_SAID = {True: "yes", False: "no", None: "–"}


@dataclass(frozen=True, slots=True)
class Figure:
    """``found``: seconds, or a share. ``goal`` None = measured only."""

    name: str
    found: float
    goal: float | None
    share: bool = False

    @property
    def reached(self) -> bool | None:
        return None if self.goal is None else self.found >= self.goal if self.share else self.found < self.goal

    def row(self) -> tuple[str, str, str, str]:
        form, sign = ("{:.2f}", "≥") if self.share else ("{:.1f} ms", "<")
        scale = 1 if self.share else 1e3
        goal = "" if self.goal is None else f"{sign} {form.format(self.goal * scale)}"
        return self.name, form.format(self.found * scale), goal, _SAID[self.reached]


def store(
    patients: Annotated[int, typer.Option(min=2 * BEDS, max=100_000, help="People of the site.")] = 10_000,
    history: Annotated[int, typer.Option(min=1000, max=50_000_000, help="Readings of a day, about.")] = 10_000_000,
    rounds: Annotated[int, typer.Option(min=3, max=999, help="Calls of each kind; medians are shown.")] = 31,
    out: Annotated[Path | None, typer.Option("--json", help="Also write the numbers into this file.")] = None,
) -> None:
    """Latest values, a day, a month and a ward's hour, while values come in; durable appends against raw ones."""
    log.setup("bench", "warning")
    clock = SystemClock()
    with tempfile.TemporaryDirectory(prefix="vigil-bench-") as name:
        size, calls = _calls(Path(name), patients, history, rounds, clock)
    with tempfile.TemporaryDirectory(prefix="vigil-bench-") as name:
        calls += _month(Path(name), rounds, clock)
    with tempfile.TemporaryDirectory(prefix="vigil-bench-") as name:
        found = [*calls, *(_append(Path(name), batch, goal, clock) for batch, goal in SHARES.items())]
    load = f"load average {os.getloadavg()[0]:.1f} of {os.cpu_count()} processors"
    table = Table("call", "p50", "goal", "reached", title=f"{size:,} readings of a day, {RATE:,} values/s more, {load}")
    for one in found:
        table.add_row(*one.row())
    Console().print(table)
    if out is not None:
        _write(out, found)


def _calls(folder: Path, patients: int, history: int, rounds: int, clock: Clock) -> tuple[int, list[Figure]]:
    people = people_of(patients, RATE)
    size = remember(folder, people, history, 0, clock)
    kept = DuckReadingStore(folder / "readings.duckdb", clock)
    try:
        end = clock.now_us() + HOUR
        others = iter(range(len(WORN), len(people.worn) * len(WORN)))
        ward = list(range(min(BEDS, len(people.worn)) * len(WORN)))
        calls: tuple[tuple[str, float | None, Callable[[], object]], ...] = (
            ("latest value of every stream", LATEST_S, kept.latest),
            ("24 h to 500 points, looked at before", DAY_S, lambda: kept.buckets([0], end - DAY, end, 500)),
            (
                "24 h of a stream that was not",
                DAY_S,
                lambda: kept.buckets([next(others)], end - DAY, end, 500),
            ),
            ("30 d by the hour, looked at before", MONTH_S, lambda: kept.buckets([0], end - 30 * DAY, end, 720)),
            (
                "an hour of a ward, all vitals",
                WARD_S,
                lambda: kept.range(ward, end - 2 * HOUR, end - HOUR, EVERY_READING),
            ),
        )
        with _writing(kept, len(people.worn) * len(WORN), clock):
            figures = [
                Figure(name, median(timed(clock, call)[0] for _ in range(rounds)), goal) for name, goal, call in calls
            ]
        return size, figures
    finally:
        kept.close()


def _month(folder: Path, rounds: int, clock: Clock) -> list[Figure]:
    """Of 30 closed days of streams with a value a minute: each call asks for another one. No roll-up can answer for buckets that
    are a little shorter than an hour."""
    end = clock.now_us() // DAY * DAY
    start, number = end - 30 * DAY, np.arange(2 * rounds, dtype=np.uint32)
    kept = DuckReadingStore(folder / "readings.duckdb", clock)
    try:
        kept.commit(Commit(ReadingBatch.empty(), [Stream(int(one), f"w-{one}", 0, "") for one in number], (), ()))
        for day in range(start, end, DAY):
            times = np.arange(day, day + DAY, MINUTE)
            at, stream = np.repeat(times, number.size), np.tile(number, times.size)
            kept.commit(
                Commit(batch_of(stream, at, (60 + (stream + at // MINUTE) % 40).astype(np.float64)), (), (), ())
            )
        kept.close_days(end)
        return [
            Figure(
                name, median(timed(clock, partial(kept.buckets, [one], start, end, points))[0] for one in part), goal
            )
            for name, points, part, goal in (
                ("30 closed days by the hour, not looked at before", 720, range(rounds), MONTH_S),
                ("the same by 59 min 55 s: without roll-ups", 721, range(rounds, 2 * rounds), None),
            )
        ]
    finally:
        kept.close()


@contextmanager
def _writing(kept: DuckReadingStore, streams: int, clock: Clock) -> Iterator[None]:
    """Commits as ingest makes them, ``RATE`` values a second, until the block ends."""
    stop = threading.Event()

    def write() -> None:
        turn, began = 0, clock.monotonic()
        while not stop.wait(max(0.0, began + turn * APART_S - clock.monotonic())):
            kept.commit(_commit(streams, BATCH, turn, clock))
            turn += 1

    thread = threading.Thread(target=write, name="writer")
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _append(folder: Path, size: int, goal: float, clock: Clock) -> Figure:
    """The rate of commits as a share of the rate at which the same bytes are written to a file and made durable."""
    kept = DuckReadingStore(folder / f"append-{size}.duckdb", clock)
    ours, raw = list[float](), list[float]()
    try:
        kept.commit(
            Commit(ReadingBatch.empty(), [Stream(number, f"w-{number}", 0, "") for number in range(size)], (), ())
        )
        with (folder / f"append-{size}").open("ab", buffering=0) as plain:
            for turn in range(APPENDS):
                batch = _commit(size, size, turn, clock)
                octets = b"".join(getattr(batch.readings, name).tobytes() for name in batch.readings.__slots__)
                ours.append(timed(clock, lambda: kept.commit(batch))[0])  # noqa: B023 - called at once
                raw.append(timed(clock, lambda: _made_durable(plain, octets))[0])  # noqa: B023
    finally:
        kept.close()
    return Figure(f"durable append of {size:,}, share of a raw one", median(raw) / median(ours), goal, share=True)


def _made_durable(plain: FileIO, octets: bytes) -> None:
    plain.write(octets)
    os.fsync(plain.fileno())


def _commit(streams: int, size: int, turn: int, clock: Clock) -> Commit:
    number = (turn * size + np.arange(size)) % streams
    at = np.full(size, clock.now_us(), np.int64)
    value = (60 + number % 40).astype(np.float64)
    return Commit(batch_of(number.astype(np.uint32), at, value), (), (), ())


def _write(path: Path, found: list[Figure]) -> None:
    """Raises ``ConfigError`` when the file cannot be written."""
    try:
        path.write_text(json.dumps([asdict(one) for one in found], indent=1) + "\n", "utf-8")
    except OSError as error:
        raise ConfigError(f"cannot write {path.name}: {error.strerror}") from error
